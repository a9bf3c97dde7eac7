/**
 * A container's log as it lies on disk: frames (log-frames.ts) in `log`, older ones in `log.1`, `log.2`, … The
 * supervisor appends and rotates at any moment and knows nothing of readers, so a reader goes from file to file by
 * inode: a file that is open stays readable whatever name it has by now.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import { FrameDecoder, type LogFrame } from './log-frames.ts';

const chunkBytes = 1024 * 1024;

interface OpenFile {
  readonly fd: number;
  readonly inode: number;
}

/** Reads frames in the order in which they were written; call `read` again when more may have come. */
export class LogReader implements Disposable {
  readonly #path: string;
  #file: OpenFile | undefined;
  #position = 0;
  #decoder = new FrameDecoder('skip');
  readonly #chunk = Buffer.alloc(chunkBytes);

  /** Begins with the oldest file that is kept, or at `start`. */
  constructor(path: string, start?: LogPosition) {
    this.#path = path;
    if (!start) return;
    this.#file = open(`/proc/self/fd/${start.fd}`);
  }

  /** The next frames; none when all that was written so far has been read. Bytes are valid until the next call. */
  read(): LogFrame[] {
    for (;;) {
      this.#file ??= openOldest(this.#path);
      if (!this.#file) return [];
      const frames = this.#readHere(this.#file);
      if (frames.length > 0) return frames;
      if (!this.#advance(this.#file)) return [];
    }
  }

  #readHere({ fd }: OpenFile): LogFrame[] {
    for (;;) {
      if (fstatSync(fd).size < this.#position) this.#restart();
      const got = readSync(fd, this.#chunk, 0, chunkBytes, this.#position);
      if (got === 0) return [];
      this.#position += got;
      const frames = this.#decoder.push(Buffer.from(this.#chunk.subarray(0, got)));
      if (frames.length > 0) return frames;
    }
  }

  /** Go on with the file that was begun after this one. False when this is the newest. */
  #advance(file: OpenFile): boolean {
    const next = successorOf(this.#path, file);
    if (next === 'none') return false;
    // What was written between the last read and the rotation is still to be read.
    if (fstatSync(file.fd).size > this.#position) {
      closeSync(next.fd);
      return true;
    }
    closeSync(file.fd);
    this.#file = next;
    this.#restart();
    return true;
  }

  /** With a single file the supervisor truncates it: what was there is gone, the file begins anew. */
  #restart(): void {
    this.#position = 0;
    this.#decoder = new FrameDecoder('skip');
  }

  [Symbol.dispose](): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
  }
}

/** An open log file to begin with. */
export interface LogPosition {
  readonly fd: number;
}

/** The files of a log, newest first, all open; the caller closes them. */
export function openLogFiles(path: string): OpenFile[] {
  const files: OpenFile[] = [];
  for (let n = 0, absent = 0; absent < 2; n++) {
    const file = open(nameOf(path, n));
    absent = file ? 0 : absent + 1;
    if (!file) continue;
    // A rotation between two opens shows the same file under its next name.
    if (files.some(({ inode }) => inode === file.inode)) closeSync(file.fd);
    else files.push(file);
  }
  return files;
}

/** A rotation goes from the oldest name to the newest, so one name may be free for a moment (or since a crash). */
const nameOf = (path: string, n: number) => (n === 0 ? path : `${path}.${n}`);

function openOldest(path: string): OpenFile | undefined {
  const files = openLogFiles(path);
  const oldest = files.pop();
  for (const { fd } of files) closeSync(fd);
  return oldest;
}

/** The file after `file`; 'none' when it is the newest one. Rotated out of existence: the oldest that is left. */
function successorOf(path: string, { inode }: OpenFile): OpenFile | 'none' {
  for (;;) {
    const n = placeOf(path, inode);
    if (n === undefined) return openOldest(path) ?? 'none';
    const next = firstBelow(path, n);
    if (!next) return 'none';
    // Only if nothing moved meanwhile is the next lower number the next file in time.
    if (placeOf(path, inode) === n && firstPlaceBelow(path, n) === next.place) return next;
    closeSync(next.fd);
  }
}

function firstBelow(path: string, n: number): (OpenFile & { readonly place: number }) | undefined {
  for (let place = n - 1; place >= 0; place--) {
    const file = open(nameOf(path, place));
    if (file) return { ...file, place };
  }
  return undefined;
}

function firstPlaceBelow(path: string, n: number): number | undefined {
  for (let place = n - 1; place >= 0; place--) {
    if (statSync(nameOf(path, place), { throwIfNoEntry: false })) return place;
  }
  return undefined;
}

/** Upwards, as files move: one that moves meanwhile is met later. */
function placeOf(path: string, inode: number): number | undefined {
  for (let n = 0, absent = 0; absent < 2; n++) {
    const status = statSync(nameOf(path, n), { throwIfNoEntry: false });
    if (status?.ino === inode) return n;
    absent = status ? 0 : absent + 1;
  }
  return undefined;
}

function open(path: string): OpenFile | undefined {
  try {
    const fd = openSync(path, 'r');
    return { fd, inode: fstatSync(fd).ino };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
