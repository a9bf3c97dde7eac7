/**
 * An upper directory becomes a layer: the mount points of the RUN leave it, its times are made reproducible, and its
 * archive is hashed (and written, where one is wanted). The cost follows what changed.
 */
import {
  closeSync,
  lstatSync,
  lutimesSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../../base/ctr-error.ts';
import { writeAll } from '../../base/json-file.ts';
import { type ByteString, fromText, toPath } from '../../image/layer/byte-string.ts';
import type { Owners } from '../../image/layer/owners.ts';
import { packLayer } from '../../image/layer/pack.ts';
import { getXattr } from '../../linux/files.ts';
import { hasherFor, parseDigest } from '../../oci/digest.ts';
import { resolveIn } from './layer-stack.ts';
import { OwnerBook } from './owner-book.ts';
import type { PackOrder, Sealed, SealOrder } from './worker-orders.ts';

export async function sealLayer(order: SealOrder, placed?: OwnerBook): Promise<Sealed> {
  const { directory, from } = order;
  if (from !== undefined) {
    rmdirSync(directory);
    renameSync(from, directory);
  }
  removeMountPoints(order);
  const book = placed ?? new OwnerBook(order.isSingle ? order.lower : undefined);
  const counted = settle(order, book, placed === undefined);
  if (order.isSingle && book.own.size > 0) writeFileSync(`${dirname(directory)}/owners`, book.text());
  const packed = await pack({ directory, archive: order.archive, owners: order.isSingle ? book.own : undefined });
  return { ...packed, ...counted };
}

export async function packSealed({
  directory,
  archive,
  isSingle,
}: PackOrder): Promise<Pick<Sealed, 'diffId' | 'size'>> {
  return pack({ directory, archive, owners: isSingle ? ownersOf(directory) : undefined });
}

function ownersOf(directory: string): Owners {
  const book = new OwnerBook([directory]);
  return { get: (name) => book.lower(`${fromText(directory)}/${name}`) };
}

interface PackRequest {
  readonly directory: string;
  readonly archive: string | undefined;
  readonly owners: Owners | undefined;
}

async function pack({ directory, archive, owners }: PackRequest): Promise<{ diffId: string; size: number }> {
  const hasher = hasherFor(parseDigest(`sha256:${'0'.repeat(64)}`));
  const fd = archive === undefined ? undefined : openSync(archive, 'w', 0o644);
  let size = 0;
  try {
    for await (const piece of packLayer(directory, owners ? { owners } : {})) {
      hasher.update(piece);
      size += piece.length;
      if (fd !== undefined) writeAll(fd, piece);
    }
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return { diffId: hasher.digest(), size };
}

/** Times, from the bottom up, so that a directory's own comes after what is in it; and what there is. */
function settle({ directory, newest, began, lower, isSingle }: SealOrder, book: OwnerBook, keepOwners: boolean) {
  const root = fromText(directory);
  const below = lower.map(fromText);
  let [entries, sizeBytes] = [0, 0];
  const visit = (path: ByteString): void => {
    const stat = lstatSync(toPath(path));
    if (stat.isDirectory()) {
      for (const name of readdirSync(toPath(path), { encoding: 'latin1' })) visit(`${path}/${name}`);
    }
    entries++;
    sizeBytes += stat.blocks * 512;
    const name = path.slice(root.length + 1);
    if (isSingle && keepOwners && name !== '') {
      const owner = book.inherited(below, name, stat);
      if (owner) book.record(name, owner);
    }
    const modified = stat.mtimeMs / 1000;
    if (newest !== undefined && (modified > newest || modified >= began)) lutimesSync(toPath(path), newest, newest);
  };
  visit(root);
  return { entries: entries - 1, sizeBytes };
}

/**
 * A mount point that the image does not have was made for the mount; a directory that was only copied up to hold one
 * goes too. What has content stays: rmdir(2) refuses.
 */
function removeMountPoints({ directory, lower, mountPoints }: SealOrder): void {
  const [root, below] = [fromText(directory), lower.map(fromText)];
  const parents = mountPoints.flatMap((point) =>
    point.split('/').map((_, index, parts) => parts.slice(0, index).join('/')),
  );
  const isPoint = new Set(mountPoints.map(fromText));
  const all = [...new Set([...isPoint, ...parents.map(fromText)])].filter((path) => path !== '' && path !== '/');
  for (const path of all.sort((a, b) => b.length - a.length)) {
    const own = `${root}${path}`;
    const stat = lstatSync(toPath(own), { throwIfNoEntry: false });
    if (!stat || (stat.isDirectory() && isOpaque(own))) continue;
    const found = resolveIn(below, path, { what: 'the image' }, false);
    if (stat.isDirectory()) {
      const isSame =
        !found || (found.stat.mode === stat.mode && found.stat.uid === stat.uid && found.stat.gid === stat.gid);
      if (isSame) removeEmpty(own);
    } else if (isPoint.has(path) && !found && stat.isFile() && stat.size === 0) unlinkSync(toPath(own));
  }
}

function removeEmpty(path: ByteString): void {
  try {
    rmdirSync(toPath(path));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}

const isOpaque = (path: ByteString) => getXattr(toPath(path), 'user.overlay.opaque')?.toString() === 'y';
