/** `ctr logs`: the frames of a container's log, by line count and time, and on while it runs. */
import { closeSync, existsSync, fstatSync, readSync, watch } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { isAlive } from '../linux/process-identity.ts';
import { type ContainerExit, readExit } from '../storage/container-exit.ts';
import { readLife } from '../storage/container-life.ts';
import { readState } from '../storage/container-state.ts';
import { type ContainerRecord, readContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { LogReader, openLogFiles } from '../storage/log-file.ts';
import { FrameDecoder, type LogFrame } from '../storage/log-frames.ts';
import { longestRestartPauseMs, planRestart } from './restart-policy.ts';
import type { LogRequest } from './run-request.ts';
import { storedRequest } from './stored-request.ts';

export interface LogQuery {
  readonly follow: boolean;
  /** Only so many lines from the end; undefined: all. */
  readonly tail?: number | undefined;
  /** Milliseconds since the epoch, both inclusive. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** Frames of the files that ctr keeps, in the order of writing; `tail` is counted first, then times are looked at, as Docker does. */
export async function* readLogs(host: Host, container: ContainerRecord, query: LogQuery): AsyncGenerator<LogFrame> {
  refuseUnreadable(container, storedRequest(container).logging);
  const path = layout.containerLog(host, container.id);
  const start = query.tail === undefined ? undefined : startOfTail(path, query.tail);
  using reader = new LogReader(path, start && { fd: start.fd });
  if (start) closeSync(start.fd);
  const frames = query.follow ? follow(reader, host, container.id, { untilMs: query.untilMs }) : readAll(reader);
  for await (const frame of skipLines(frames, start?.skip ?? 0)) {
    const at = frame.seconds * 1000 + frame.nanoseconds / 1e6;
    if (query.untilMs !== undefined && at > query.untilMs) return;
    if (query.sinceMs === undefined || at >= query.sinceMs) yield frame;
  }
}

/** What the run that began at `startedAt` writes, until it has ended; `fd` is the log, open. */
export async function* followRun(host: Host, id: string, startedAt: string, fd: number): AsyncGenerator<LogFrame> {
  using reader = new LogReader(layout.containerLog(host, id), { fd });
  const startedMs = Date.parse(startedAt);
  for await (const frame of follow(reader, host, id, { run: startedAt })) {
    if (frame.seconds * 1000 + frame.nanoseconds / 1e6 >= startedMs) yield frame;
  }
}

function refuseUnreadable(container: ContainerRecord, { driver }: LogRequest): void {
  if (driver === 'none' || driver === 'passthrough') {
    throw new CtrError('UNSUPPORTED', `container ${container.name} has log driver ${driver}: its output is not kept`);
  }
}

function* readAll(reader: LogReader): Generator<LogFrame> {
  for (let frames = reader.read(); frames.length > 0; frames = reader.read()) yield* frames;
}

interface TailStart {
  /** The file to begin with; the caller closes it. */
  readonly fd: number;
  /** How many line ends to pass over in it. */
  readonly skip: number;
}

/** From the newest file backwards, only as far as needed: old files are not read for a short tail. */
function startOfTail(path: string, lines: number): TailStart | undefined {
  const files = openLogFiles(path);
  let counted = 0;
  try {
    for (const [index, { fd }] of files.entries()) {
      const { ends, partial } = countLines(fd);
      counted += ends + (index === 0 ? partial : 0);
      if (counted < lines && index < files.length - 1) continue;
      files.splice(index, 1);
      return { fd, skip: Math.max(0, counted - lines) };
    }
    return undefined;
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

/** Line ends in a file, and how many of the two streams stop in the middle of a line. */
function countLines(fd: number): { ends: number; partial: number } {
  const decoder = new FrameDecoder('skip');
  const chunk = Buffer.alloc(1024 * 1024);
  const open = new Map<number, boolean>();
  let ends = 0;
  const size = fstatSync(fd).size;
  for (let at = 0; at < size; ) {
    const got = readSync(fd, chunk, 0, chunk.length, at);
    if (got === 0) break;
    at += got;
    for (const { stream, payload } of decoder.push(Buffer.from(chunk.subarray(0, got)))) {
      ends += lineEnds(payload);
      open.set(stream, payload.at(-1) !== newline);
    }
  }
  return { ends, partial: [...open.values()].filter(Boolean).length };
}

const newline = 10;

function lineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}

async function* skipLines(
  frames: AsyncIterable<LogFrame> | Iterable<LogFrame>,
  skip: number,
): AsyncGenerator<LogFrame> {
  let left = skip;
  for await (const frame of frames) {
    if (left === 0) {
      yield frame;
      continue;
    }
    let at = 0;
    for (; left > 0 && at < frame.payload.length; left--) {
      const end = frame.payload.indexOf(newline, at);
      if (end === -1) break;
      at = end + 1;
    }
    if (left === 0 && at < frame.payload.length) yield { ...frame, payload: frame.payload.subarray(at) };
  }
}

/** Until the container has ended and everything is read. */
async function* follow(
  reader: LogReader,
  host: Host,
  id: string,
  { untilMs, run }: { readonly untilMs?: number | undefined; readonly run?: string },
): AsyncGenerator<LogFrame> {
  using changes = watchDirectory(layout.container(host, id));
  const end = runEnd(host, id, run);
  for (;;) {
    // In this order: what is written before the end is seen must still be read.
    const hasEnded = end.isReached() || (untilMs !== undefined && Date.now() > untilMs);
    yield* readAll(reader);
    if (hasEnded) return;
    await changes.next();
  }
}

/** The supervisor writes the exit file after the last byte of output; one that was killed never writes it. */
export function runEnd(host: Host, id: string, run?: string): { isReached(): boolean } {
  const graceMs = 2000;
  let deadSince: number | undefined;
  let seen: ContainerExit | undefined;
  // A start deletes the exit file before the new state is written: in between the last one counts.
  const isBetween = () => {
    seen = readExit(host, id) ?? seen;
    return seen !== undefined && isRestarted(host, id, seen);
  };
  return {
    isReached() {
      const state = readState(host, id);
      if (run !== undefined && state?.startedAt !== run) return true;
      if (!state) return !isBetween();
      if (isAlive(state.init)) deadSince = undefined;
      else deadSince ??= Date.now();
      if (deadSince === undefined) return false;
      if (Date.now() - deadSince <= graceMs && !existsSync(layout.containerExit(host, id))) return false;
      return run !== undefined || !isBetween();
    },
  };
}

/** Whether its restart policy starts it again; whoever was to do it may have been killed, so not for ever. */
function isRestarted(host: Host, id: string, exit: ContainerExit): boolean {
  const container = readContainer(host, id);
  const life = readLife(host, id);
  if (!container || life.error !== undefined) return false;
  if (Date.now() - Date.parse(exit.finishedAt) > longestRestartPauseMs + 5000) return false;
  return planRestart(storedRequest(container).restart, { ...life, exitCode: exit.exitCode, ranMs: 0 }) !== undefined;
}

interface Changes extends Disposable {
  /** Resolves when something has changed since the last call, after a second at most. */
  next(): Promise<void>;
}

/** inotify(7) on the directory; where no instance or watch is left (EMFILE, ENOSPC), looking again and again. */
function watchDirectory(path: string): Changes {
  let changed = false;
  let wake = () => {};
  const notice = () => {
    changed = true;
    wake();
  };
  const watcher = tryWatch(path, notice);
  const idleMs = watcher ? 1000 : 100;
  return {
    async next() {
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, idleMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      changed = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

function tryWatch(path: string, listener: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(path, { persistent: false }, listener);
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    return undefined;
  }
}
