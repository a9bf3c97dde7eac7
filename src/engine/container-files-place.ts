/**
 * Put an archive where docker-cp(1) says it belongs. Works below the worker's own root directory, so that symlinks, of
 * the archive or of the tree, may be followed: there is nothing outside.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { MetadataWriter } from '../image/layer/apply-metadata.ts';
import { type ByteString, fromText, quoted, toPath } from '../image/layer/byte-string.ts';
import type { TarEntry, TarSink } from '../image/layer/tar-reader.ts';
import { mknod, nodeTypes } from '../linux/files.ts';
import type { FilesJob } from './container-files-job.ts';

interface OpenFile {
  readonly fd: number;
  readonly path: ByteString;
  readonly entry: TarEntry;
  end: number;
}

export class TreePlacer implements TarSink {
  readonly #job: FilesJob;
  readonly #metadata: MetadataWriter;
  /** Directories made here, whose own metadata go on last. */
  readonly #made: Array<{ readonly path: ByteString; readonly entry: TarEntry }> = [];
  #pathOf: ((name: ByteString) => ByteString) | undefined;
  #file: OpenFile | undefined;

  constructor(job: FilesJob) {
    this.#job = job;
    this.#metadata = new MetadataWriter(job.isSingle ? 'single' : 'mapped');
  }

  entry(given: TarEntry): void {
    const entry = this.#own(given);
    this.#pathOf ??= destinationFor(this.#job, entry);
    const path = this.#pathOf(entry.name);
    try {
      this.#make(entry, path);
    } catch (error) {
      if (error instanceof CtrError) throw error;
      throw new CtrError('STATE', `cannot write ${quoted(path)}`, { cause: error });
    }
  }

  data(bytes: Buffer, position: number): void {
    const file = this.#file;
    if (!file) return;
    file.end = position + bytes.length;
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file.fd, bytes, done, bytes.length - done, position + done);
    }
  }

  end(): void {
    const file = this.#file;
    if (!file) return;
    const { fd, path, entry } = file;
    if (file.end < entry.size) ftruncateSync(fd, entry.size);
    this.#metadata.apply({ kind: 'file', path, name: entry.name, fd, madeMode: fstatSync(fd).mode & 0o7777 }, entry);
    closeSync(fd);
    this.#file = undefined;
  }

  finish(): void {
    for (const { path, entry } of this.#made.reverse()) {
      this.#metadata.apply({ kind: 'directory', path, name: entry.name, madeMode: 0o700 }, entry);
    }
  }

  /** The entry with the owner that it shall have. */
  #own(entry: TarEntry): TarEntry {
    const { owner, isHost } = this.#job;
    const owned = owner ? { ...entry, ...owner } : entry;
    return isHost ? { ...owned, mode: owned.mode & ~0o6000, xattrs: [] } : owned;
  }

  #make(entry: TarEntry, path: ByteString): void {
    if (this.#job.isArchive) mkdirSync(toPath(path.slice(0, path.lastIndexOf('/')) || '/'), { recursive: true });
    const name = toPath(path);
    const existing = lstatSync(name, { throwIfNoEntry: false });
    switch (entry.type) {
      case 'directory':
        return this.#makeDirectory(entry, path);
      case 'file':
        if (existing) this.#clear(path, existing.isDirectory());
        this.#file = { fd: openSync(name, writable, 0o600), path, entry, end: 0 };
        return;
      case 'symlink':
        if (existing) this.#clear(path, existing.isDirectory());
        symlinkSync(toPath(entry.linkName), name);
        break;
      case 'hardlink':
        if (existing) this.#clear(path, existing.isDirectory());
        return linkSync(toPath(this.#pathOf?.(entry.linkName) ?? ''), name);
      case 'fifo':
        if (existing) this.#clear(path, existing.isDirectory());
        mknod(name, nodeTypes.fifo | 0o600, { major: 0, minor: 0 });
        break;
      default:
        return; // Devices cannot be made without root, and mean nothing elsewhere.
    }
    this.#metadata.apply({ kind: entry.type, path, name: entry.name, madeMode: 0o600 }, entry);
  }

  #makeDirectory(entry: TarEntry, path: ByteString): void {
    const name = toPath(path);
    // Also a symlink to one: what the path means stays what it is.
    const existing = statSync(name, { throwIfNoEntry: false });
    if (existing?.isDirectory()) return;
    if (existing && !this.#job.overwrite) {
      throw new CtrError('EXISTS', `cannot overwrite non-directory ${quoted(path)} with a directory`, {
        hint: '--overwrite allows it',
      });
    }
    rmSync(name, { force: true });
    mkdirSync(name, { mode: 0o700 });
    this.#made.push({ path, entry });
  }

  #clear(path: ByteString, isDirectory: boolean): void {
    if (isDirectory) {
      if (!this.#job.overwrite) {
        throw new CtrError('EXISTS', `cannot overwrite directory ${quoted(path)} with a non-directory`, {
          hint: '--overwrite allows it',
        });
      }
      return rmSync(toPath(path), { recursive: true });
    }
    try {
      unlinkSync(toPath(path));
    } catch (error) {
      // A mount point, as /etc/hosts is: what is mounted there gets the content.
      if (errnoOf(error) !== 'EBUSY') throw error;
    }
  }
}

const writable = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Where each name of the archive goes, as its first entry and the destination decide: docker-cp(1) "Description". */
function destinationFor(job: FilesJob, first: TarEntry): (name: ByteString) => ByteString {
  const wanted = fromText(job.path);
  const existing = statSync(toPath(wanted), { throwIfNoEntry: false });
  const target = existing ? fromText(realpathSync(job.path)) : wanted.replace(/\/+$/, '');
  if (job.isArchive) {
    if (existing?.isDirectory()) return (name) => join(target, name);
    throw new CtrError('INVALID', `destination ${quoted(wanted)} must be a directory when copying from an archive`);
  }
  const isContent = clean(first.name).length === 0;
  if (existing?.isDirectory()) return (name) => join(target, name);
  if (existing && first.type === 'directory' && !job.overwrite) {
    throw new CtrError('INVALID', `cannot copy a directory to the file ${quoted(wanted)}`);
  }
  if (!existing) checkParent(wanted, target, first);
  return (name) => join(target, isContent ? name : clean(name).slice(1).join('/'));
}

function checkParent(wanted: ByteString, target: ByteString, first: TarEntry): void {
  if (wanted.endsWith('/') && first.type !== 'directory') {
    throw new CtrError('NOT_FOUND', `the destination directory ${quoted(wanted)} does not exist`);
  }
  const parent = target.slice(0, target.lastIndexOf('/')) || '/';
  if (statSync(toPath(parent), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new CtrError('NOT_FOUND', `${quoted(wanted)} could not be found: its parent directory does not exist`);
}

function clean(name: ByteString): ByteString[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) {
    throw new CtrError('ESCAPE', `the archive's entry ${quoted(name)} leads out of the destination`);
  }
  return parts;
}

function join(directory: ByteString, name: ByteString): ByteString {
  const parts = clean(name);
  return parts.length === 0 ? directory || '/' : `${directory === '/' ? '' : directory}/${parts.join('/')}`;
}
