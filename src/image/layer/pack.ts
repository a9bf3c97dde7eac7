/**
 * Write a directory tree as a layer archive (image-spec layer.md "Creating"): the inverse of unpack.ts. The same tree
 * gives the same bytes: names in byte order, no user names, PAX records only where a header cannot say it.
 *
 * Mustn't: follow symlinks, or show overlayfs' own marks (they become whiteouts).
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { errnoOf } from '../../base/ctr-error.ts';
import { getXattr, listXattrs } from '../../linux/files.ts';
import { isImageXattr } from './apply-metadata.ts';
import { type ByteString, fromText, toPath } from './byte-string.ts';
import type { Metadata } from './layer-tree.ts';
import type { Owners } from './owners.ts';
import { encodeEntry } from './tar-entry.ts';
import { blockSize } from './tar-header.ts';

export interface PackOptions {
  /** Clamp newer times to this (SOURCE_DATE_EPOCH, reproducible-builds.org), in seconds. */
  readonly sourceDateEpoch?: number;
  /** Single-id mode: the owners recorded beside the layer; what is not there is root's. */
  readonly owners?: Owners;
  /** Names below the directory that are left out, with what is below them. */
  readonly skip?: (name: ByteString) => boolean;
  /** The tree is what overlayfs shows, not a layer of it: its marks have no meaning there. */
  readonly isMerged?: boolean;
  /** Somebody may be changing the tree: what is gone when its turn comes is left out. */
  readonly isLive?: boolean;
}

interface Walk {
  readonly options: PackOptions;
  /** The first name of each inode that has several. */
  readonly linked: Map<string, ByteString>;
}

interface Found {
  /** Below the packed directory; '' for itself. */
  readonly name: ByteString;
  readonly path: ByteString;
  readonly stat: ReturnType<typeof statOf>;
}

const pieceBytes = 256 * 1024;
const noMetadata: Metadata = { mode: 0, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, xattrs: [] };
const endMarker = Buffer.alloc(2 * blockSize);

/** The archive of `directory` (in overlayfs' form), in pieces of about 256 KiB. */
export function packLayer(directory: string, options: PackOptions = {}): AsyncGenerator<Buffer> {
  return packTree(fromText(directory), '', options);
}

/** The archive of a file or directory of any kind, under the name `name` ('' for a directory's content as `./`). */
export async function* packTree(path: ByteString, name: ByteString, options: PackOptions): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let length = 0;
  for (const bytes of packEntry({ options, linked: new Map() }, { name, path, stat: statOf(path) })) {
    pieces.push(bytes);
    length += bytes.length;
    if (length < pieceBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    length = 0;
  }
  yield Buffer.concat([...pieces, endMarker]);
}

function* packEntry(walk: Walk, found: Found): Generator<Buffer> {
  let isBegun = false;
  try {
    for (const piece of packAnyKind(walk, found)) {
      isBegun = true;
      yield piece;
    }
  } catch (error) {
    // Gone, or another kind of file than a moment ago.
    const isChange = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO', 'ESTALE'].includes(errnoOf(error) ?? '');
    if (!walk.options.isLive || isBegun || !isChange) throw error;
  }
}

/** Sockets and devices have no place in an image; char device 0/0 is overlayfs' whiteout. */
function* packAnyKind(walk: Walk, found: Found): Generator<Buffer> {
  const { stat } = found;
  if (stat.isDirectory()) yield* packDirectory(walk, found);
  else if (stat.isCharacterDevice() && stat.rdev === 0n && !walk.options.isMerged)
    yield whiteout(walk, inDirectory(found.name, '.wh.'));
  else if (stat.isFile() || stat.isSymbolicLink() || stat.isFIFO()) yield* packLeaf(walk, found);
}

function* packDirectory(walk: Walk, found: Found): Generator<Buffer> {
  const { name, path } = found;
  const children = readdirSync(toPath(path), { encoding: 'latin1' }).sort(byBytes);
  yield encodeEntry(
    { name: name === '' ? './' : `${name}/`, type: 'directory', linkName: '', size: 0 },
    metadataOf(walk, found),
  );
  const isMarked = ['user.overlay.opaque', 'trusted.overlay.opaque'].some(
    (key) => getXattr(toPath(path), key)?.toString() === 'y',
  );
  if (isMarked && !walk.options.isMerged) yield whiteout(walk, name === '' ? '.wh..wh..opq' : `${name}/.wh..wh..opq`);
  for (const base of children) {
    const childName = name === '' ? base : `${name}/${base}`;
    if (walk.options.skip?.(childName)) continue;
    const childPath = `${path}/${base}`;
    const stat = lstatSync(toPath(childPath), { bigint: true, throwIfNoEntry: false });
    if (stat) yield* packEntry(walk, { name: childName, path: childPath, stat });
  }
}

function* packLeaf(walk: Walk, found: Found): Generator<Buffer> {
  const { name, path, stat } = found;
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? walk.linked.get(inode) : undefined;
  const metadata = metadataOf(walk, found);
  if (first !== undefined) {
    yield encodeEntry({ name, type: 'hardlink', linkName: first, size: 0 }, { ...metadata, xattrs: [] });
    return;
  }
  if (stat.nlink > 1n) walk.linked.set(inode, name);
  if (stat.isSymbolicLink()) {
    const linkName = readlinkSync(toPath(path), { encoding: 'latin1' });
    yield encodeEntry({ name, type: 'symlink', linkName, size: 0 }, metadata);
  } else if (stat.isFIFO()) yield encodeEntry({ name, type: 'fifo', linkName: '', size: 0 }, metadata);
  else {
    const size = Number(stat.size);
    const header = encodeEntry({ name, type: 'file', linkName: '', size }, metadata);
    if (size > 0) yield* withContent(header, path, size);
    else yield header;
  }
}

/** Exactly `size` bytes and the padding: a file that shrinks meanwhile ends in zeros, one that grows is cut. */
function* withContent(header: Buffer, path: ByteString, size: number): Generator<Buffer> {
  const fd = openSync(toPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    yield header;
    for (let at = 0; at < size; ) {
      const bytes = Buffer.alloc(Math.min(4 * pieceBytes, size - at));
      const length = readSync(fd, bytes, 0, bytes.length, at);
      at += length === 0 ? bytes.length : length;
      yield length === 0 ? bytes : bytes.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
  const rest = size % blockSize;
  if (rest > 0) yield Buffer.alloc(blockSize - rest);
}

function whiteout({ options }: Walk, name: ByteString): Buffer {
  const seconds = options.sourceDateEpoch ?? 0;
  return encodeEntry(
    { name, type: 'file', linkName: '', size: 0 },
    { ...noMetadata, mtime: { seconds, nanoseconds: 0 } },
  );
}

/** `a/b` → `a/.wh.b` */
function inDirectory(name: ByteString, prefix: string): ByteString {
  const slash = name.lastIndexOf('/') + 1;
  return name.slice(0, slash) + prefix + name.slice(slash);
}

function metadataOf({ options }: Walk, { name, path, stat }: Found): Metadata {
  const recorded = options.owners?.get(name);
  const owner = options.owners ? (recorded ?? { uid: 0, gid: 0 }) : undefined;
  const nanoseconds = Number(((stat.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  const seconds = Number((stat.mtimeNs - BigInt(nanoseconds)) / 1_000_000_000n);
  const limit = options.sourceDateEpoch ?? Number.POSITIVE_INFINITY;
  return {
    mode: recorded?.mode ?? Number(stat.mode & 0o7777n),
    uid: owner?.uid ?? Number(stat.uid),
    gid: owner?.gid ?? Number(stat.gid),
    mtime: seconds >= limit ? { seconds: limit, nanoseconds: 0 } : { seconds, nanoseconds },
    xattrs: xattrsOf(path),
  };
}

function xattrsOf(path: ByteString): Metadata['xattrs'] {
  const names = listXattrs(toPath(path)).filter(isImageXattr).sort();
  return names.flatMap((name) => {
    const value = getXattr(toPath(path), name);
    return value ? [{ name: fromText(name), value }] : [];
  });
}

/** Sizes and times in full: a double would lose the nanoseconds. */
function statOf(path: ByteString) {
  return lstatSync(toPath(path), { bigint: true });
}

const byBytes = (a: ByteString, b: ByteString) => (a < b ? -1 : 1);
