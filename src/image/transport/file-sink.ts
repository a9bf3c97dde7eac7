/** Where the files of an image are written to: a directory, or a tar archive that gets its name when it is whole. */
import { randomBytes } from 'node:crypto';
import { closeSync, createWriteStream, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import { replaceFile, withSpaceHint } from '../../base/json-file.ts';

export interface FileSink {
  readonly name: string;
  has(name: string): boolean;
  /** `size` bytes; the file is not there when this throws. */
  addStream(name: string, size: number, content: () => AsyncIterable<Uint8Array>): Promise<void>;
  add(name: string, content: string | Uint8Array): Promise<void>;
  finish(): Promise<void>;
  /** Deletes an archive that is not finished. */
  close(): void;
}

export function directorySink(directory: string): FileSink {
  const at = (name: string) => `${directory}/${name}`;
  const prepare = (name: string) => mkdirSync(dirname(at(name)), { recursive: true });
  return {
    name: directory,
    has: (name) => statSync(at(name), { throwIfNoEntry: false }) !== undefined,
    async addStream(name, _size, content) {
      prepare(name);
      const temporary = `${at(name)}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        await pipeline(content(), createWriteStream(temporary, { flags: 'wx' }));
        renameSync(temporary, at(name));
      } catch (error) {
        rmSync(temporary, { force: true });
        throw withSpaceHint(error, directory);
      }
    },
    async add(name, content) {
      prepare(name);
      replaceFile(at(name), content);
    },
    finish: async () => undefined,
    close: () => undefined,
  };
}

/** An archive at `path`, or where the descriptor `fd` leads. */
export async function archiveSink(target: { readonly path: string } | { readonly fd: number }): Promise<FileSink> {
  const { pack } = await import('tar-stream');
  const archive = pack();
  const output = 'fd' in target ? pipeOutput(target.fd) : fileOutput(target.path);
  const written = pipeline(archive, output.stream);
  written.catch(() => undefined);
  const names = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  /** One entry at a time. A failed write of the archive must also end who waits for an entry. */
  const append = (name: string, size: number, content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    // Without entries of their own, skopeo gives the directories of an archive to root, which only root may.
    for (const directory of parentsOf(name).filter((one) => !names.has(one))) {
      names.add(directory);
      last = last.then(
        () => void archive.entry({ name: directory, type: 'directory', mode: 0o755, mtime: new Date(0) }),
      );
    }
    names.add(name);
    const entry = async () => {
      const header = { name, size, mode: 0o644, mtime: new Date(0) };
      await Promise.race([pipeline(content(), archive.entry(header)), written.then(() => endedEarly(output.name))]);
    };
    last = last.then(entry).catch((error) => {
      throw withSpaceHint(error, output.name);
    });
    last.catch(() => undefined);
    return last;
  };
  return {
    name: output.name,
    has: (name) => names.has(name),
    addStream: append,
    add: (name, content) => append(name, Buffer.byteLength(content), () => [Buffer.from(content)]),
    async finish() {
      await last;
      archive.finalize();
      await written;
      output.publish();
    },
    close() {
      archive.destroy();
      output.discard();
    },
  };
}

/** `a/b/c` → `a/`, `a/b/` */
function parentsOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, at) => `${parts.slice(0, at + 1).join('/')}/`);
}

function endedEarly(name: string): never {
  throw new CtrError('STATE', `${name} was closed before the archive was written`);
}

interface ArchiveOutput {
  readonly name: string;
  readonly stream: Writable;
  publish(): void;
  discard(): void;
}

function pipeOutput(fd: number): ArchiveOutput {
  const stream = createWriteStream('', { fd, autoClose: false });
  return { name: 'standard output', stream, publish: () => undefined, discard: () => undefined };
}

/** A device or a FIFO is written as it is; a file is replaced when the archive is whole. */
function fileOutput(path: string): ArchiveOutput {
  const isSpecial = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
  if (isSpecial) return { ...pipeOutput(openSync(path, 'w')), name: path };
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const fd = openForWriting(temporary, path);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    name: path,
    stream: createWriteStream('', { fd, autoClose: false }),
    publish() {
      fsyncSync(fd);
      close();
      renameSync(temporary, path);
    },
    discard() {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

function openForWriting(temporary: string, path: string): number {
  try {
    return openSync(temporary, 'wx', 0o644);
  } catch (error) {
    const [code, reason] =
      errnoOf(error) === 'ENOENT' ? (['NOT_FOUND', 'there is no such directory'] as const) : (['DENIED', ''] as const);
    throw new CtrError(code, `cannot write ${path}${reason && `: ${reason}`}`, { cause: error });
  }
}
