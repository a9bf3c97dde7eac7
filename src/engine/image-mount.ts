/** `ctr image mount` and `ctr image unmount`: an image's files, read-only, in the mount namespace of `ctr unshare`. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { MNT_DETACH, MS } from '../linux/constants.ts';
import { libc } from '../linux/ffi.ts';
import { hexOf } from '../oci/digest.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { type ImageRecord, listEveryImage } from '../storage/image-store.ts';
import { hasLayer } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { isMounted, requireUnshare } from './mount.ts';
import { lowerLayers } from './rootfs.ts';

/** Returns where it is; mounting what is mounted already changes nothing. */
export function mountImage(host: Host, image: ImageRecord): string {
  requireUnshare(host);
  const target = layout.imageMount(host, hexOf(image.id));
  mkdirSync(target, { recursive: true, mode: 0o755 });
  if (isMounted(target)) return target;
  const kinds = ['m', 's'] as const;
  const ownerKind = kinds.find((kind) => image.diffIds.every((diffId) => hasLayer(host, { diffId, kind }))) ?? 'm';
  const { names } = lowerLayers(host, { diffIds: image.diffIds, ownerKind });
  // Without an upper directory overlay wants two lower ones; the mount point is empty.
  const lower = names.length === 1 ? [...names, target] : names;
  if (lower.length === 0) throw new CtrError('UNSUPPORTED', `image ${hexOf(image.id)} has no layers: nothing to mount`);
  const caller = process.cwd();
  process.chdir(layout.layerLinks(host));
  try {
    const flags = MS.RDONLY | MS.NODEV;
    const options = overlayOptions({ lower });
    libc('mount', 'i32', ['str', 'overlay'], ['str', target], ['str', 'overlay'], ['i64', flags], ['str', options]);
  } finally {
    process.chdir(caller);
  }
  return target;
}

/** False when it was not mounted. */
export function unmountImage(host: Host, image: ImageRecord, { force }: { readonly force: boolean }): boolean {
  requireUnshare(host);
  const target = layout.imageMount(host, hexOf(image.id));
  if (!isMounted(target)) return false;
  try {
    libc('umount2', 'i32', ['str', target], ['i32', force ? MNT_DETACH : 0]);
  } catch (cause) {
    if (errnoOf(cause) !== 'EBUSY') throw cause;
    throw new CtrError('IN_USE', `the mount of image ${hexOf(image.id).slice(0, 12)} is in use`, {
      cause,
      hint: '--force unmounts it when it is free',
    });
  }
  removeMountPoint(target);
  return true;
}

/** Images that are mounted in this mount namespace. */
export function mountedImages(host: Host): Array<{ readonly image: ImageRecord; readonly path: string }> {
  return listEveryImage(host)
    .map((image) => ({ image, path: layout.imageMount(host, hexOf(image.id)) }))
    .filter(({ path }) => isMounted(path));
}

function removeMountPoint(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Another `ctr unshare` has mounted the same image here: the directory is shared, the mounts are not.
  }
}
