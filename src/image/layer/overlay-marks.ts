/**
 * How a layer on disk says "not here any more" and "nothing of below": overlayfs' own marks, and where the file system
 * refuses those (it is an overlay itself: a container in a container), the files that fuse-overlayfs and
 * storage/drivers/vfs.ts read. The kernel's overlay does not work on such a file system anyway.
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../../base/ctr-error.ts';
import { mknod, nodeTypes, setXattr } from '../../linux/files.ts';
import { type ByteString, toPath } from './byte-string.ts';
import { whiteoutPrefix } from './layer-tree.ts';

const refusals = ['EPERM', 'ENOTSUP'];

/** Hide `path` of lower layers. */
export function makeWhiteout(path: ByteString): void {
  try {
    mknod(toPath(path), nodeTypes.character, { major: 0, minor: 0 });
  } catch (error) {
    if (!refusals.includes(errnoOf(error) ?? '')) throw error;
    makeEmpty(markFor(path));
  }
}

export function removeWhiteout(path: ByteString): void {
  try {
    unlinkSync(toPath(path));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    unlinkSync(toPath(markFor(path)));
  }
}

/** Hide what lower layers have in `directory`. */
export function makeOpaque(directory: ByteString): void {
  try {
    setXattr(toPath(directory), 'user.overlay.opaque', Buffer.from('y'));
  } catch (error) {
    if (!refusals.includes(errnoOf(error) ?? '')) throw error;
    makeEmpty(`${directory}/${whiteoutPrefix}${whiteoutPrefix}.opq`);
  }
}

function markFor(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${whiteoutPrefix}${path.slice(slash)}`;
}

function makeEmpty(path: ByteString): void {
  closeSync(openSync(toPath(path), 'wx', 0o000));
}
