/**
 * fuse-overlayfs for one container, for hosts whose kernel refuses overlay in a user namespace.
 *
 * The server lives in the container's user namespace but not in its pid namespace (nothing in the container can see or
 * kill it) and has mounts of its own (it keeps nothing of the container alive). When the container's last process is
 * gone, however it went, the kernel drops the mount and the server's connection ends: there is no pid to record and
 * nothing to unmount.
 */
import { closeSync, openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { startInside } from '../ns/inside.ts';
import { missingForFuse } from './storage-driver.ts';
import { findExecutable, idMapsFor } from './user-namespace.ts';

export interface FuseOverlay {
  /** The container's first process, which waits. */
  readonly pid: number;
  /** Where relative names in the options begin. */
  readonly cwd: string;
  readonly target: string;
  /** `lowerdir=…,upperdir=…,workdir=…` */
  readonly options: string;
}

/** Resolves when the file system is mounted and its server has been executed. */
export async function serveFuseOverlay(host: Host, { pid, cwd, target, options }: FuseOverlay): Promise<void> {
  const program = findExecutable(host, 'fuse-overlayfs');
  const lacks = missingForFuse(host.env.PATH ?? '');
  if (program === undefined || lacks !== undefined) {
    throw new CtrError('UNSUPPORTED', `the storage driver fuse-overlayfs does not work: ${lacks}`, {
      hint: 'install fuse-overlayfs, pass --device /dev/fuse to an outer container, or use --storage-driver vfs',
    });
  }
  const nothing = openSync('/dev/null', 'r+');
  try {
    await startInside({
      maps: idMapsFor(host),
      join: pid,
      // It outlives ctr: what it says must not keep the caller's pipes open.
      stdio: [nothing, nothing, nothing],
      steps: [
        { kind: 'fuse', target, name: 'fuse-overlayfs' },
        { kind: 'chdir', path: cwd },
        // Out of the reach of the terminal's Ctrl-C.
        { kind: 'session' },
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 1 },
        { kind: 'exec', args: [program, '-f', '-o', options, '/dev/fd/3'], env: [`PATH=${host.env.PATH ?? ''}`] },
      ],
    });
  } finally {
    closeSync(nothing);
  }
}
