/** `ctr mount` and `ctr unmount`: a container's root file system in the mount namespace of `ctr unshare`. */
import { readFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { MNT_DETACH } from '../linux/constants.ts';
import { libc } from '../linux/ffi.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, listContainers } from '../storage/container-store.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { layout } from '../storage/layout.ts';
import { lowerLayers, rootfsFor } from './rootfs.ts';
import { storedRequest } from './stored-request.ts';
import { unshareMark } from './unshare.ts';

/** Returns where it is. Of a running container it is a read-only view, because its own mount is the container's. */
export function mountContainer(host: Host, container: ContainerRecord): string {
  requireUnshare(host);
  const { id, driver } = container;
  const target = layout.rootMount(host, id);
  const { plan } = rootfsFor(host, container, storedRequest(container));
  if (plan.kind === 'directory') {
    if (driver !== 'fuse-overlayfs') return plan.source;
    throw new CtrError('UNSUPPORTED', 'mount with the storage driver fuse-overlayfs', {
      hint: 'use ctr cp or ctr export',
    });
  }
  if (isMounted(target)) return target;
  const isRunning = readRunningState(host, id) !== undefined;
  const options = isRunning ? readOnlyView(host, container) : plan.options;
  const caller = process.cwd();
  process.chdir(plan.cwd);
  try {
    libc('mount', 'i32', ['str', 'overlay'], ['str', target], ['str', 'overlay'], ['i64', 0], ['str', options]);
  } finally {
    process.chdir(caller);
  }
  return target;
}

function readOnlyView(host: Host, container: ContainerRecord): string {
  const { names } = lowerLayers(host, container, storedRequest(container).rootfs);
  return overlayOptions({ lower: [`../../containers/${container.id}/upper`, ...names] });
}

export interface Unmounting {
  /** Even while something uses it: it goes when the last user does. */
  readonly force: boolean;
}

/** False when it was not mounted. */
export function unmountContainer(host: Host, { id, name }: ContainerRecord, { force }: Unmounting): boolean {
  requireUnshare(host);
  const target = layout.rootMount(host, id);
  if (!isMounted(target)) return false;
  try {
    libc('umount2', 'i32', ['str', target], ['i32', force ? MNT_DETACH : 0]);
    return true;
  } catch (cause) {
    if (errnoOf(cause) !== 'EBUSY') throw cause;
    throw new CtrError('IN_USE', `the mount of container ${name} is in use`, {
      cause,
      hint: '--force unmounts it when it is free',
    });
  }
}

/** Containers whose root is mounted in this mount namespace. */
export function mountedContainers(host: Host): Array<{ readonly container: ContainerRecord; readonly path: string }> {
  return listContainers(host)
    .containers.map((container) => ({ container, path: layout.rootMount(host, container.id) }))
    .filter(({ path }) => isMounted(path));
}

/** proc_pid_mountinfo(5), field 5; blanks and the like are written as \040. */
export function isMounted(path: string): boolean {
  const escaped = path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${escaped} `);
}

/** Mounting takes rights that the caller has only there. */
export function requireUnshare(host: Host): void {
  if (host.env[unshareMark] !== undefined) return;
  throw new CtrError('UNSUPPORTED', 'mounting takes a user and mount namespace of its own', {
    hint: 'begin with `ctr unshare`: mounting works there, and the mounts end with it',
  });
}
