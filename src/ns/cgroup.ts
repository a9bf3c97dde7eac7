/**
 * The control group of one container (cgroups(7), kernel cgroup-v2.rst), made by whoever may make one:
 *
 *   systemd     a transient scope with Delegate=yes, asked for over D-Bus      user@1000.service/…/ctr-ID.scope/
 *   delegated   a directory below one that belongs to the caller               …/ctr-ID/
 *
 * Below it `container` holds the container's processes and its limits, and `supervisor` the supervisor: a cgroup with
 * processes of its own cannot hand out controllers ("No Internal Process Constraint").
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { beginCall, type DbusAddress, DbusError, type DbusValue, type PendingCall } from './dbus.ts';

export const cgroupRoot = '/sys/fs/cgroup';

/** One interface file and what goes into it, with the flag to name when that fails. */
export interface CgroupSetting {
  readonly controller: 'memory' | 'cpu' | 'cpuset' | 'pids' | 'io';
  readonly file: string;
  readonly text: string;
  readonly flag: string;
  /** Nobody asked for it: left out where the file does not exist. */
  readonly isOptional?: boolean;
}

export interface ScopeRequest {
  readonly address: DbusAddress;
  readonly uid: number;
  readonly name: string;
  readonly description: string;
  readonly slice: string;
  readonly pids: readonly number[];
}

/** Ask systemd for a scope with `pids` in it (org.freedesktop.systemd1(5) StartTransientUnit); do something meanwhile. */
export function beginScope(request: ScopeRequest): { finish(): string } {
  const newest = startTransientUnit(request, [['OOMPolicy', { type: 's', value: 'continue' }]]);
  return {
    finish() {
      try {
        newest.finish();
      } catch (error) {
        // OOMPolicy= of scopes is younger than the rest (systemd 253); before, the kernel's kill was all that happened.
        if (!(error instanceof DbusError) || !/PropertyReadOnly|InvalidArgs/.test(error.dbusName)) throw error;
        startTransientUnit(request, []).finish();
      }
      return waitForMove(request.pids, request.name);
    },
  };
}

function startTransientUnit(request: ScopeRequest, more: ReadonlyArray<readonly [string, DbusValue]>): PendingCall {
  const unlimited = 0xffffffffffffffffn;
  return beginCall(request.address, request.uid, {
    destination: 'org.freedesktop.systemd1',
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.systemd1.Manager',
    member: 'StartTransientUnit',
    body: [
      { type: 's', value: request.name },
      { type: 's', value: 'fail' },
      {
        type: 'a(sv)',
        value: [
          ['Description', { type: 's', value: request.description }],
          ['PIDs', { type: 'au', value: request.pids }],
          ['Slice', { type: 's', value: request.slice }],
          ['Delegate', { type: 'b', value: true }],
          ['TasksMax', { type: 't', value: unlimited }],
          ['CollectMode', { type: 's', value: 'inactive-or-failed' }],
          ...more,
        ],
      },
      { type: 'a(sa(sv))', value: [] },
    ],
  });
}

/** The scope's job runs after the reply; it is done when the processes are there. Returns the scope's directory. */
function waitForMove(pids: readonly number[], scope: string): string {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 0.5) {
    const [first, ...others] = pids.map(cgroupOf);
    const isThere = first?.endsWith(`/${scope}`) && others.every((path) => path === first);
    if (isThere) return `${cgroupRoot}${first}`;
    Atomics.wait(pause, 0, 0, 0.5);
  }
  throw new CtrError('STATE', `systemd did not start ${scope}`, { hint: `see \`journalctl --user -u ${scope}\`` });
}

/** Where a process is in the v2 hierarchy, as a path from its root; undefined on hosts without one. */
export function cgroupOf(pid: number | 'self'): string | undefined {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    return lines.find((line) => line.startsWith('0::'))?.slice('0::'.length);
  } catch {
    return undefined;
  }
}

/** The controllers that `directory` may hand out to its children. */
export function controllersOf(directory: string): string[] {
  return words(`${directory}/cgroup.controllers`);
}

/**
 * Divide `directory`: the container's process into `container`, the supervisor (or what else is there) out of the way,
 * every controller handed down. Returns the container's directory.
 */
export function divideCgroup(directory: string, pid: number, supervisor?: number): string {
  const container = `${directory}/container`;
  mkdirSync(container, { recursive: true });
  writeFileSync(`${container}/cgroup.procs`, String(pid));
  if (supervisor !== undefined) {
    mkdirSync(`${directory}/supervisor`, { recursive: true });
    writeFileSync(`${directory}/supervisor/cgroup.procs`, String(supervisor));
  }
  enableControllers(directory);
  return container;
}

/** Hand every controller that `directory` has down to its children. */
export function enableControllers(directory: string): void {
  const enabled = words(`${directory}/cgroup.subtree_control`);
  for (const name of controllersOf(directory).filter((one) => !enabled.includes(one))) {
    try {
      writeFileSync(`${directory}/cgroup.subtree_control`, `+${name}`);
    } catch (error) {
      // Some cannot be handed down everywhere (cpu with real-time processes): a limit that needs it fails by itself.
      if (!['EINVAL', 'EOPNOTSUPP', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
}

/** Move every process that is in `directory` itself into `leaf` below it, so that it may hand out controllers. */
export function evacuateCgroup(directory: string, leaf: string): void {
  mkdirSync(`${directory}/${leaf}`, { recursive: true });
  for (const pid of words(`${directory}/cgroup.procs`)) {
    try {
      writeFileSync(`${directory}/${leaf}/cgroup.procs`, pid);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error; // It has ended meanwhile.
    }
  }
}

/** Write limits; live for a running container. Throws at the first that the kernel refuses. */
export function applySettings(directory: string, settings: readonly CgroupSetting[]): void {
  for (const { file, text, flag, isOptional } of settings) {
    const path = `${directory}/${file}`;
    if (isOptional && !existsSync(path)) continue;
    try {
      writeFileSync(path, text, { flag: 'r+' });
    } catch (cause) {
      const missing = errnoOf(cause) === 'ENOENT';
      throw new CtrError(
        'UNSUPPORTED',
        `${flag}: ${missing ? `this kernel has no ${file}` : `the kernel refuses ${JSON.stringify(text)} for ${file}`}`,
        {
          cause,
          hint: missing
            ? 'swap accounting and io controllers can be left out of a kernel or switched off at boot'
            : undefined,
        },
      );
    }
  }
}

/** End what is left in a container's cgroup and remove it with what it was made in. Idempotent. */
export function removeCgroup(container: string): void {
  const parent = container.slice(0, container.lastIndexOf('/'));
  try {
    writeFileSync(`${container}/cgroup.kill`, '1', { flag: 'r+' });
  } catch {
    // Kernel before 5.14, or it is gone: processes outside of a pid namespace are not ended then.
  }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // Killed processes leave the cgroup a moment later (EBUSY until then).
  for (let tries = 0; tries < 40 && !removeTree(container); tries++) Atomics.wait(pause, 0, 0, 5);
  // A scope's own directory is removed by systemd when the supervisor, its last process, has ended.
  if (!parent.endsWith('.scope')) removeTree(parent);
}

function removeTree(directory: string): boolean {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(`${directory}/${entry.name}`);
    }
    rmdirSync(directory);
    return true;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

const words = (path: string): string[] =>
  lines(path)
    .flatMap((line) => line.split(' '))
    .filter((word) => word !== '');
