/**
 * The files of an image that lies on the disk, by name: of a directory, or of a tar archive (Docker's and OCI's
 * alike). Archives are hostile: entries are spooled under names of our own, and theirs are only keys.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { withSpaceHint, writeAll } from '../../base/json-file.ts';
import { bytesPassed } from '../../base/passing-bytes.ts';
import { createStagingDirectory } from '../../storage/staging.ts';
import { decompress } from '../layer/decompress.ts';

export interface FileSet {
  /** For messages. */
  readonly name: string;
  /** The regular file that has this name; undefined when there is none. */
  path(name: string): string | undefined;
  /** The files are ours, on the store's file system: they may become blobs by a link instead of a copy. */
  readonly isSpooled: boolean;
  close(): void;
}

/** More than any real image has files. */
const maxEntries = 100_000;
const maxLinkDepth = 8;

/** Below `directory`. Only names that the caller made are asked for: none leads out. */
export function directoryFiles(directory: string): FileSet {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CtrError('NOT_FOUND', `${directory} is no directory`);
  }
  return {
    name: directory,
    isSpooled: false,
    path(name) {
      const path = `${directory}/${name}`;
      return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
    },
    close: () => undefined,
  };
}

/** Spool an archive, plain or compressed, into the store's staging area; `close` deletes it. */
export async function archiveFiles(host: Host, name: string, archive: Readable): Promise<FileSet> {
  const staging = createStagingDirectory(host);
  try {
    const entries = await spool(staging.path, name, archive);
    return {
      name,
      isSpooled: true,
      path: (wanted) => followLinks(entries, wanted),
      close: () => staging[Symbol.dispose](),
    };
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, staging.path);
  }
}

type Entry = { readonly path: string } | { readonly link: string };

async function spool(directory: string, name: string, archive: Readable): Promise<Map<string, Entry>> {
  const { extract } = await import('tar-stream');
  const entries = new Map<string, Entry>();
  const reader = extract();
  const fed = pipeline(decompress(archive), reader);
  fed.catch(() => undefined);
  try {
    for await (const entry of reader) {
      const { type, linkname } = entry.header;
      const key = normalise(entry.header.name);
      if (entries.size >= maxEntries) throw new CtrError('INVALID', `${name} has more than ${maxEntries} files`);
      if (type === 'file' || type === 'contiguous-file') {
        const path = `${directory}/${entries.size}`;
        await writeEntry(path, entry);
        entries.set(key, { path });
      } else {
        if (type === 'symlink') entries.set(key, { link: normalise(posix.join(posix.dirname(key), linkname ?? '')) });
        if (type === 'link') entries.set(key, { link: normalise(linkname ?? '') });
        entry.resume();
      }
    }
    await fed;
  } catch (error) {
    if (error instanceof CtrError) throw error;
    throw new CtrError('INVALID', `${name} is no tar archive, or is damaged`, { cause: error });
  }
  return entries;
}

async function writeEntry(path: string, content: AsyncIterable<unknown>): Promise<void> {
  const fd = openSync(path, 'wx', 0o644);
  try {
    for await (const chunk of content) {
      if (!(chunk instanceof Uint8Array)) throw new CtrError('INTERNAL', 'an entry of an archive gave no bytes');
      writeAll(fd, chunk);
      bytesPassed(chunk.length);
    }
  } finally {
    closeSync(fd);
  }
}

/** Old Dockers saved a layer that occurs twice as a symbolic link. */
function followLinks(entries: ReadonlyMap<string, Entry>, wanted: string): string | undefined {
  let entry = entries.get(normalise(wanted));
  for (let depth = 0; entry !== undefined && 'link' in entry && depth < maxLinkDepth; depth++) {
    entry = entries.get(entry.link);
  }
  return entry !== undefined && 'path' in entry ? entry.path : undefined;
}

const normalise = (name: string) => posix.normalize(`/${name}`).slice(1).replace(/\/$/, '');

/** A small file as a whole; NOT_FOUND when there is none. */
export function readSmallFile(files: FileSet, name: string, maxBytes: number): Buffer {
  const path = files.path(name);
  if (path === undefined) throw new CtrError('NOT_FOUND', `${files.name}: ${name} is missing`);
  if (statSync(path).size > maxBytes) throw new CtrError('INVALID', `${files.name}: ${name} is too large`);
  return readFileSync(path);
}
