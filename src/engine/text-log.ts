/**
 * json-file and k8s-file: the log as text that other programs tail. ctr's own log stays the source, so `ctr logs` is
 * exact; a small follower, a process beside the container, writes the text. Only these two drivers have one.
 */
import { closeSync, fstatSync, openSync, renameSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { writeAll } from '../base/json-file.ts';
import { parseJson } from '../oci/check.ts';
import { layout } from '../storage/layout.ts';
import type { LogFrame } from '../storage/log-frames.ts';
import { cleanupProgram } from './cleanup-program.ts';
import { followRun } from './container-logs.ts';
import type { LogRequest } from './run-request.ts';
import { logRequest } from './stored-request.ts';

/** The log is handed over open: a container with --rm may be deleted before the follower has read a byte. */
export async function startTextLog(host: Host, id: string, startedAt: string, logging: LogRequest): Promise<void> {
  const { spawn } = await import('node:child_process');
  const [program = '', ...args] = ownProgram('container', 'text-log', id, startedAt, JSON.stringify(logging));
  const env = Object.fromEntries(cleanupProgram(host, id).env.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const log = openSync(layout.containerLog(host, id), 'a+', 0o600);
  try {
    spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'ignore', log], env }).unref();
  } finally {
    closeSync(log);
  }
}

const logFd = 3;

/** Runs until the run that began at `startedAt` has ended. `text`: a LogRequest as startTextLog wrote it. */
export async function writeTextLog(host: Host, id: string, startedAt: string, text: string): Promise<void> {
  const logging = parseJson(text, 'logging', logRequest);
  const file = new TextFile(logging.path ?? layout.containerTextLog(host, id), logging);
  const format = logging.driver === 'json-file' ? jsonLine : kubernetesLine;
  const lines = new LineJoiner((line) => file.write(format(line)));
  for await (const frame of followRun(host, id, startedAt, logFd)) lines.push(frame);
  lines.finish();
  file.close();
}

export interface TextLine {
  readonly frame: LogFrame;
  readonly text: string;
  /** It goes on in the next line. */
  readonly isPartial: boolean;
}

const maxLineBytes = 16 * 1024;
const newline = 10;

/** Joins frames to lines, for each stream; what is longer than 16 KiB comes in parts (Docker's number). */
export class LineJoiner {
  readonly #open = new Map<number, { readonly frame: LogFrame; bytes: Buffer }>();
  readonly #emit: (line: TextLine) => void;

  constructor(emit: (line: TextLine) => void) {
    this.#emit = emit;
  }

  push(frame: LogFrame): void {
    const open = this.#open.get(frame.stream);
    let rest = open ? Buffer.concat([open.bytes, frame.payload]) : frame.payload;
    let first = open?.frame ?? frame;
    for (;;) {
      const end = rest.indexOf(newline);
      const cut = end === -1 ? maxLineBytes : Math.min(end + 1, maxLineBytes);
      if (end === -1 && rest.length < maxLineBytes) break;
      const text = rest.subarray(0, cut);
      this.#emit({ frame: first, text: text.toString(), isPartial: text.at(-1) !== newline });
      rest = rest.subarray(cut);
      first = frame;
    }
    if (rest.length > 0) this.#open.set(frame.stream, { frame: first, bytes: Buffer.from(rest) });
    else this.#open.delete(frame.stream);
  }

  /** The container has ended: what has no line end yet. */
  finish(): void {
    for (const { frame, bytes } of this.#open.values()) {
      this.#emit({ frame, text: bytes.toString(), isPartial: true });
    }
    this.#open.clear();
  }
}

const streamName = (frame: LogFrame) => (frame.stream === 2 ? 'stderr' : 'stdout');

function timeOf({ seconds, nanoseconds }: LogFrame): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanoseconds).padStart(9, '0')}Z`;
}

/** Docker's json-file. Bytes that are no UTF-8 become U+FFFD there too. */
export function jsonLine({ frame, text }: TextLine): string {
  return `${JSON.stringify({ log: text, stream: streamName(frame), time: timeOf(frame) })}\n`;
}

/** The CRI's log format: `TIME STREAM F|P TEXT`. */
export function kubernetesLine({ frame, text, isPartial }: TextLine): string {
  return `${timeOf(frame)} ${streamName(frame)} ${isPartial ? 'P' : 'F'} ${text.replace(/\n$/, '')}\n`;
}

/** A file that is appended to and rotated: path, path.1, path.2, … */
class TextFile {
  readonly #path: string;
  readonly #limits: LogRequest;
  #fd: number;
  #bytes: number;

  constructor(path: string, limits: LogRequest) {
    this.#path = path;
    this.#limits = limits;
    this.#fd = openSync(path, 'a', 0o640);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(text: string): void {
    const { maxBytes, maxFiles } = this.#limits;
    const bytes = Buffer.from(text);
    if (maxBytes > 0 && this.#bytes > 0 && this.#bytes + bytes.length > maxBytes) this.#rotate(maxFiles);
    writeAll(this.#fd, bytes);
    this.#bytes += bytes.length;
  }

  #rotate(maxFiles: number): void {
    this.close();
    const name = (n: number) => (n === 0 ? this.#path : `${this.#path}.${n}`);
    for (let n = maxFiles - 1; n > 0; n--) renameIfThere(name(n - 1), name(n));
    this.#fd = openSync(this.#path, maxFiles > 1 ? 'a' : 'w', 0o640);
    this.#bytes = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
