/**
 * What happened, for `ctr events`: one JSON object per line, each written by one write(2) to a file opened with
 * O_APPEND, so that writers need no lock. Past a size the file becomes the older half: at most two are kept.
 */
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type Check, integer, object, optional, record, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import { ensureRunRoot } from './roots.ts';

export interface Event {
  /** RFC 3339. */
  readonly time: string;
  /** `container`, `image`, `volume`, `network`. */
  readonly type: string;
  /** Podman's words: create, init, start, died, remove, kill, pull, … (podman-events(1)). */
  readonly status: string;
  readonly id: string;
  readonly name: string;
  /** The image of a container, by name. */
  readonly image?: string;
  /** Of `died`. */
  readonly exitCode?: number;
  /** Labels, and what belongs to the status (`signal`). */
  readonly attributes: Readonly<Record<string, string>>;
}

const event: Check<Event> = object({
  time: string,
  type: string,
  status: string,
  id: string,
  name: string,
  image: optional(string),
  exitCode: optional(integer),
  attributes: record(string),
});

const maxBytes = 1024 * 1024;

/** Never throws: a full disk or a missing runtime directory must not stop what the event tells of. */
export function recordEvent(host: Host, what: Omit<Event, 'time'>): void {
  try {
    append(host, `${JSON.stringify({ time: new Date().toISOString(), ...what })}\n`);
  } catch (error) {
    host.log.debug(`an event is not recorded: ${errnoOf(error)}`);
  }
}

function append(host: Host, line: string): void {
  const path = layout.events(host);
  const fd = openForAppend(host, path);
  try {
    writeSync(fd, line);
    const { size, ino } = fstatSync(fd);
    // Another writer may have renamed it already; two that rename at once lose the events of a moment, not the log.
    if (size > maxBytes && statSync(path).ino === ino) renameSync(path, `${path}.1`);
  } finally {
    closeSync(fd);
  }
}

function openForAppend(host: Host, path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    ensureRunRoot(host);
    return openSync(path, 'a', 0o600);
  }
}

/** All that are kept, oldest first. A line that was cut short by a crash is left out. */
export function readEvents(host: Host): Event[] {
  return new EventReader(host).next();
}

/** Reads on where it stopped, also when the file became the older half meanwhile. */
export class EventReader {
  readonly #host: Host;
  /** The current file at the last look, and how much of it was read. */
  #inode: number | undefined;
  #offset = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What was added since the last call; all that is kept at the first. */
  next(): Event[] {
    const path = layout.events(this.#host);
    const { text, inode } = readIfThere(path, 0);
    if (inode !== undefined && inode === this.#inode) return this.#take(text.subarray(this.#offset));
    const rest = readIfThere(`${path}.1`, this.#inode === undefined ? 0 : this.#offset).text;
    this.#inode = inode;
    this.#offset = 0;
    return [...parseEvents(rest.toString()), ...this.#take(text)];
  }

  /** Whole lines only: a line that is being written is for the next time. */
  #take(text: Buffer): Event[] {
    const end = text.lastIndexOf('\n') + 1;
    this.#offset += end;
    return parseEvents(text.toString('utf8', 0, end));
  }
}

export function parseEvents(text: string): Event[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [event(JSON.parse(line), 'event')];
    } catch {
      return [];
    }
  });
}

function readIfThere(path: string, offset: number): { text: Buffer; inode: number | undefined } {
  try {
    const fd = openSync(path, 'r');
    try {
      return { text: readFileSync(fd).subarray(offset), inode: fstatSync(fd).ino };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { text: Buffer.alloc(0), inode: undefined };
    throw error;
  }
}
