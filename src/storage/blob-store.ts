/**
 * Content by digest: `blobs/` of an OCI image layout (image-layout.md). A blob that has its name is whole and on the
 * disk; what is being written has another name, in tmp/.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { syncDirectory, withSpaceHint, writeAll } from '../base/json-file.ts';
import { type Digest, hasherFor } from '../oci/digest.ts';
import { layout } from './layout.ts';
import { fromReadOnly } from './read-only-stores.ts';
import { reserveStaging } from './staging.ts';

/** What is known of a blob before it is read: the two members of a descriptor that verification needs. */
export interface BlobKey {
  readonly digest: Digest;
  readonly size: number;
}

/** Where it is, in the user's own store or in one that is only read; where it would be when it is nowhere. */
export function blobPath(host: Host, digest: Digest): string {
  const own = layout.blob(host, digest);
  return fileSize(own) === undefined ? (fromReadOnly(host, (place) => pathIfAny(place, digest)) ?? own) : own;
}

/** With a size, also whether the file has it. */
export function hasBlob(host: Host, digest: Digest, sizeBytes?: number): boolean {
  const size = fileSize(blobPath(host, digest));
  return size !== undefined && (sizeBytes === undefined || size === sizeBytes);
}

function pathIfAny(place: Host, digest: Digest): string | undefined {
  const path = layout.blob(place, digest);
  return fileSize(path) === undefined ? undefined : path;
}

/**
 * A stored blob for a process whose root is the data root: the file, or a copy of one that is in a read-only store, which
 * goes when this is disposed.
 */
export function blobBelowRoot(host: Host, digest: Digest): Disposable & { readonly relativePath: string } {
  const [own, path] = [layout.blob(host, digest), blobPath(host, digest)];
  if (path === own) return { relativePath: relative(host.dataRoot, own), [Symbol.dispose]: () => undefined };
  const staging = reserveStaging(host);
  try {
    copyFileSync(path, staging.path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return staging;
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, host.dataRoot);
  }
}

const fileSize = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

export interface BlobWriter {
  /** The file to write to, below the data root. */
  readonly path: string;
  /** `path` relative to the data root, for a process that sees the root elsewhere. */
  readonly relativePath: string;
  /** Open for reading and writing; closed by publish and discard. */
  readonly fd: number;
  /**
   * Give the file its name. The caller has verified that the content has this digest. Idempotent per digest:
   * a blob that exists is replaced by the same bytes. Returning means that the blob is on the disk.
   */
  publish(digest: Digest): void;
  /** Delete what was written; nothing happens after publish. */
  discard(): void;
}

export function createBlobWriter(host: Host): BlobWriter {
  const staging = reserveStaging(host);
  let fd: number | undefined = openStaged(staging.path, staging);
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const discard = () => {
    close();
    staging[Symbol.dispose]();
  };
  return {
    path: staging.path,
    relativePath: staging.relativePath,
    fd,
    discard,
    publish(digest) {
      if (fd === undefined) throw new CtrError('INTERNAL', `blob ${digest} is published twice`);
      try {
        fsyncSync(fd);
        const path = layout.blob(host, digest);
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        renameSync(staging.path, path);
        syncDirectory(dirname(path));
      } catch (error) {
        throw withSpaceHint(error, host.dataRoot);
      } finally {
        discard();
      }
    },
  };
}

/**
 * Make a blob of a file on the same file system by a link; false where it takes a copy. The caller has verified that
 * the content has this digest and that nobody writes to the file any more.
 */
export function linkBlob(host: Host, file: string, digest: Digest): boolean {
  using staging = reserveStaging(host);
  try {
    linkSync(file, staging.path);
  } catch (error) {
    // Another file system, or one without hard links.
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
  const fd = openSync(staging.path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const path = layout.blob(host, digest);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  renameSync(staging.path, path);
  syncDirectory(dirname(path));
  return true;
}

/** Store small content (a manifest, a config) under its digest, durably. */
export function writeBlob(host: Host, digest: Digest, content: Uint8Array): void {
  const hasher = hasherFor(digest);
  hasher.update(content);
  if (hasher.digest() !== digest) throw new CtrError('VERIFY', `content does not have the digest ${digest}`);
  const writer = createBlobWriter(host);
  try {
    writeAll(writer.fd, content);
  } catch (error) {
    writer.discard();
    throw withSpaceHint(error, writer.path);
  }
  writer.publish(digest);
}

/** A small blob (manifest, config), with digest and size verified. NOT_FOUND when it is not stored. */
export function readBlob(host: Host, key: BlobKey): Buffer {
  const content = readStoredBlob(host, key);
  const { digest, size } = key;
  const hasher = hasherFor(digest);
  hasher.update(content);
  if (content.length === size && hasher.digest() === digest) return content;
  throw new CtrError('VERIFY', `blob ${digest} is damaged on disk`, {
    hint: '`ctr system check --repair` removes what is damaged; pull the image again',
  });
}

/** A stream of the bytes, unverified: for layer archives, whose reader verifies. */
export function openBlob(host: Host, digest: Digest): Readable {
  return createReadStream(blobPath(host, digest));
}

/** Above the limits of manifests (4 MiB) and configs (16 MiB). */
const maxWholeBlobBytes = 32 * 1024 * 1024;

function openStaged(path: string, staging: Disposable): number {
  try {
    return openSync(path, 'wx+', 0o644);
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, path);
  }
}

function readFileIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The bytes as they are on the disk, verified when they were stored and not again: hashing costs `run` 5 ms and shows
 * no more than the user damaging their own files. `ctr system check` looks for that.
 */
export function readStoredBlob(host: Host, { digest, size }: BlobKey): Buffer {
  if (size > maxWholeBlobBytes) throw new CtrError('INVALID', `${digest} is too large to be read as a whole`);
  const content =
    readFileIfAny(layout.blob(host, digest)) ??
    fromReadOnly(host, (place) => readFileIfAny(layout.blob(place, digest)));
  if (content) return content;
  throw new CtrError('NOT_FOUND', `blob ${digest} is not stored`, { hint: 'pull the image again' });
}
