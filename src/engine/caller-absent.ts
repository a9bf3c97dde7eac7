/**
 * A container in which its caller has no id (`--userns nomap`, `auto`): the caller's files are nobody's there. What ctr
 * made for it is given to its root from a user namespace that has the container's ids and the caller as well.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { startInside } from '../ns/inside.ts';
import type { CarriedRootPlan, RootPlan } from '../ns/plan.ts';
import type { Step } from '../ns/steps.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { withCaller } from './container-ids.ts';
import type { Rootfs } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';

export interface Owned {
  readonly path: string;
  /** As the container has them. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Throws for what only works with the caller's id: overlays that are mounted before root is taken. */
export function refuseWithoutCaller({ mounts }: RunRequest): void {
  const overlaid = mounts.find(({ type, options }) => type === 'image' || options.includes('O'));
  if (overlaid === undefined) return;
  throw new CtrError(
    'UNSUPPORTED',
    `mount ${overlaid.target}: images and overlays (O) need your own id in the container`,
    {
      hint: 'use a volume, or leave --userns out',
    },
  );
}

/** The root as somebody else than the caller can mount it. */
export function carriedRoot(
  host: Host,
  { id, driver }: ContainerRecord,
  { plan, stack: [, ...lower], prepare }: Rootfs,
): RootPlan | CarriedRootPlan {
  if (prepare) {
    throw new CtrError('UNSUPPORTED', `storage driver ${driver}: your own id needs a place in the container`, {
      hint: 'leave --userns out, or use --userns keep-id or --storage-driver vfs',
    });
  }
  if (plan.kind === 'directory') return plan;
  const empty = layout.rootMount(host, id);
  return { kind: 'carried-overlay', own: layout.container(host, id), lower: lower.length > 0 ? lower : [empty] };
}

/**
 * Before the first process (`pid`) goes on: its root gets the upper directory, may enter the container's directory and
 * write /etc/hosts by its group, and stdio that is a pipe can be opened by name (/dev/stdout).
 */
export async function giveToRoot(
  host: Host,
  id: string,
  { maps, pid, owned }: { readonly maps: IdMaps; readonly pid: number; readonly owned: readonly Owned[] },
): Promise<void> {
  const all = withCaller(maps, host);
  const caller = all.uid.find(({ hostID }) => hostID === host.uid)?.containerID ?? 0;
  const root = { uid: 0, gid: 0 };
  const byGroup = { uid: caller, gid: 0, mode: 0o664 };
  const etc = ['hosts', 'resolv.conf', 'hostname'].map((name) => layout.containerEtc(host, id, name));
  const pipes = [0, 1, 2].flatMap((number) => openPipe(`/proc/${pid}/fd/${number}`));
  const files: Owned[] = [
    { path: layout.container(host, id), uid: caller, gid: 0, mode: 0o710 },
    ...[layout.upper(host, id), layout.work(host, id)].map((path) => ({ path, ...root, mode: 0o755 })),
    ...etc.map((path) => ({ path, ...byGroup })),
    ...pipes.map((fd) => ({ path: `/proc/self/fd/${fd}`, ...root, mode: 0o600 })),
    ...owned,
  ];
  try {
    const inside = await startInside({
      maps: all,
      steps: files.map((file): Step => ({ kind: 'set-owner', ...file })),
    });
    if (inside.wait() !== 0) throw new CtrError('START', 'the files of the container cannot be given to its root');
  } finally {
    for (const fd of pipes) closeSync(fd);
  }
}

/** Another descriptor of the pipe, when it is one and the caller's. */
function openPipe(path: string): number[] {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    if (fstatSync(fd).isFIFO()) return [fd];
    closeSync(fd);
    return [];
  } catch {
    return []; // A file or device that may not be opened so: it stays whose it is.
  }
}
