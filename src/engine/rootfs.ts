/**
 * Where a container's root file system comes from: its layers under an overlay with its own upper directory (the
 * kernel's, or fuse-overlayfs), a copy of them, or a directory of the user's.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { RootPlan } from '../ns/plan.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { layerDir, layerLink } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import type { RunRequest } from './run-request.ts';

export interface Rootfs {
  readonly plan: RootPlan;
  /** The directories that are stacked, uppermost first: where /etc/passwd is looked up before anything is mounted. */
  readonly stack: readonly string[];
  /** To be done when the container's mount namespace exists and its first process (`pid`) still waits. */
  readonly prepare?: (pid: number) => Promise<void>;
}

/** What the root is made of. */
export type RootSource = Pick<ContainerRecord, 'id' | 'driver' | 'diffIds' | 'ownerKind'>;

/** Make what the driver needs; with vfs this copies the whole image. Idempotent. */
export async function makeRoot(host: Host, container: RootSource, rootfs: RunRequest['rootfs']): Promise<void> {
  const { id } = container;
  for (const path of [layout.upper(host, id), layout.work(host, id), layout.rootMount(host, id)]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }
  if (container.driver !== 'vfs' || (rootfs && !rootfs.overlay)) return;
  const { runStorageJob } = await import('./storage-job.ts');
  const { stack } = lowerLayers(host, container, rootfs);
  const target = layout.rootMount(host, id);
  await runStorageJob(host, 'copy the image', { op: 'copy', layers: stack, path: '/', target, contentOnly: false });
}

/** With `remove` (--rm) nothing of the upper directory is ever synced to the disk: it goes with the container. */
export function rootfsFor(
  host: Host,
  container: ContainerRecord,
  { rootfs, remove = false }: { readonly rootfs?: RunRequest['rootfs'] | undefined; readonly remove?: boolean },
): Rootfs {
  if (rootfs && !rootfs.overlay) return { plan: { kind: 'directory', source: rootfs.path }, stack: [rootfs.path] };
  const rootMount = layout.rootMount(host, container.id);
  if (container.driver === 'vfs') return { plan: { kind: 'directory', source: rootMount }, stack: [rootMount] };
  const cwd = layout.layerLinks(host);
  mkdirSync(cwd, { recursive: true });
  const { names, stack: lower } = lowerLayers(host, container, rootfs);
  const overlay = {
    // overlay wants a lower directory; an image without layers gets an empty one.
    lower: names.length > 0 ? names : [`../../containers/${container.id}/rootfs`],
    upper: {
      upperDir: `../../containers/${container.id}/upper`,
      workDir: `../../containers/${container.id}/work`,
    },
  };
  const stack = [layout.upper(host, container.id), ...lower];
  if (container.driver === 'overlay') {
    if (remove) forgetVolatileMount(host, container.id);
    const options = overlayOptions(overlay, remove ? ['userxattr', 'volatile'] : undefined);
    return { plan: { kind: 'overlay', cwd, options, layers: names.length }, stack };
  }
  const serve = async (pid: number) => {
    const { serveFuseOverlay } = await import('./fuse-overlay.ts');
    await serveFuseOverlay(host, { pid, cwd, target: rootMount, options: overlayOptions(overlay, []) });
  };
  return { plan: { kind: 'directory', source: rootMount }, stack, prepare: serve };
}

/**
 * The kernel refuses to mount again what was mounted `volatile` once (overlayfs "Volatile mount"): data may be missing after a
 * crash. Here such a container is gone with its end: only `cp` into one that was not started yet mounts it before.
 */
function forgetVolatileMount(host: Host, id: string): void {
  const work = `${layout.work(host, id)}/work`;
  if (!lstatSync(work, { throwIfNoEntry: false })) return;
  try {
    // The kernel makes all of them with mode 000.
    for (const path of [work, `${work}/incompat`, `${work}/incompat/volatile`]) chmodSync(path, 0o700);
    rmSync(`${work}/incompat`, { recursive: true });
  } catch (error) {
    // Not there; or a subordinate id's: made for a container whose ids leave the caller out, which is never mounted so.
    if (!['ENOENT', 'EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Uppermost first: names for overlay's options, and the directories themselves. */
export function lowerLayers(
  host: Host,
  { diffIds, ownerKind: kind }: Pick<ContainerRecord, 'diffIds' | 'ownerKind'>,
  rootfs?: RunRequest['rootfs'],
): { names: string[]; stack: string[] } {
  if (rootfs) return { names: [rootfs.path], stack: [rootfs.path] };
  // overlay refuses a directory twice; of equal layers the uppermost hides all that the lower one could show.
  const keys = [...new Set([...diffIds].reverse())].map((diffId) => ({ diffId, kind }));
  const names = keys.map((key) => {
    const link = layerLink(host, key);
    if (link !== undefined) return link;
    throw new CtrError('STATE', `layer ${key.diffId} of the container's image is not unpacked`, {
      hint: 'pull the image again: what is there is kept',
    });
  });
  return { names, stack: keys.map((key) => layerDir(host, key)) };
}
