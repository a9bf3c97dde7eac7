/**
 * JSON on disk: whole or not there. A write goes to a temporary name in the same directory and is renamed over
 * the old file, so that a reader needs no lock and a crash leaves the old content.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError, errnoOf } from './ctr-error.ts';
import { randomHex } from './random.ts';

/** What `path` holds, unchecked (oci/check.ts is next); undefined when there is no such file. */
export function readJsonFile(path: string): unknown {
  // An exception costs ten times as much as a look, and `ps` of a thousand containers asks for thousands of absent files.
  if (!statSync(path, { throwIfNoEntry: false })) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CtrError('INVALID', `${path} is not JSON`, { cause, hint: 'see `ctr system check`' });
  }
}

export interface WriteOptions {
  /** Return only when the content and its name are on the disk. */
  readonly durable?: boolean;
  readonly mode?: number;
}

/** Replace `path` atomically with `value` as JSON. */
export function writeJsonFile(path: string, value: unknown, options: WriteOptions = {}): void {
  replaceFile(path, `${JSON.stringify(value)}\n`, options);
}

/** Replace `path` atomically with `content`; the temporary file is gone when this throws. */
export function replaceFile(path: string, content: string | Uint8Array, options: WriteOptions = {}): void {
  const temporary = `${path}.${randomHex(6)}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', options.mode ?? 0o644);
    try {
      writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content);
      if (options.durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw withSpaceHint(error, path);
  }
  if (options.durable) syncDirectory(dirname(path));
}

/** fsync(2) of a directory: names made, renamed and removed in it are on the disk after this. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Turns ENOSPC and EDQUOT into a CtrError that says what can be done; any other error comes back as it is. */
export function withSpaceHint(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT') return error;
  return new CtrError('NO_SPACE', errno === 'EDQUOT' ? `over quota at ${path}` : `no space left at ${path}`, {
    cause: error,
    hint: '`ctr system df` shows what takes space and `ctr system prune` frees it; --root chooses another disk',
  });
}

/** write(2) until all is written: one call may write less. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
