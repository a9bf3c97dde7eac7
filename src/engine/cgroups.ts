/**
 * Who makes a container's cgroup on this host, and whether it can hold the limits that were asked for: found out before
 * anything is made, so that a limit is applied or refused with the reason, and never silently left out.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { getXattr } from '../linux/files.ts';
import {
  applySettings,
  beginScope,
  type CgroupSetting,
  cgroupOf,
  cgroupRoot,
  controllersOf,
  divideCgroup,
  enableControllers,
  evacuateCgroup,
  removeCgroup,
} from '../ns/cgroup.ts';
import type { DbusAddress } from '../ns/dbus.ts';
import { defaultPids, isLimited, settingsFor } from './cgroup-limits.ts';
import type { LimitsRequest } from './sandbox-request.ts';

/** The next steps of a container's cgroup, in the order of a start. */
export interface ContainerCgroup {
  /** Right after the clone: whoever has to do something begins. */
  begin(pid: number, supervisor: number): void;
  /** Before the first process goes on: it is in its cgroup, the limits hold. Returns the directory. */
  finish(): string | undefined;
  /** The start failed: what was made goes. */
  discard(): void;
}

export type Manager =
  | { readonly kind: 'systemd'; readonly address: DbusAddress; readonly controllers: readonly string[] }
  | {
      readonly kind: 'delegated';
      readonly directory: string;
      readonly controllers: readonly string[];
      readonly isOwn: boolean;
    }
  | { readonly kind: 'none'; readonly reason: string; readonly hint: string };

const noCgroup: ContainerCgroup = { begin: () => {}, finish: () => undefined, discard: () => {} };

/** Choose the manager and refuse what it cannot do. Makes nothing yet. */
export function cgroupFor(host: Host, id: string, limits: LimitsRequest | undefined): ContainerCgroup {
  const wanted = isLimited(limits) ? settingsFor(limits) : [];
  if (limits?.mode === 'disabled') {
    const [first] = wanted;
    if (first) throw new CtrError('USAGE', `${first.flag} cannot be combined with --cgroups=disabled`);
    return noCgroup;
  }
  const manager = findManager(host, limits);
  const settings = applicable(host, manager, wanted, limits?.bestEffort ?? false);
  if (manager.kind === 'none') return noCgroup;
  const complete =
    limits?.pids === undefined && manager.controllers.includes('pids')
      ? [
          ...settings,
          { controller: 'pids', file: 'pids.max', text: String(defaultPids), flag: '--pids-limit' } as const,
        ]
      : settings;
  if (manager.kind === 'systemd') return systemdCgroup(host, id, manager.address, complete, limits);
  // Moving the caller's other processes is done for a limit that was asked for, not for a default.
  if (manager.isOwn && settings.length === 0 && limits?.mode !== 'split') return noCgroup;
  return delegatedCgroup(id, manager, complete);
}

/** What cannot hold is an error with its remedy, or a warning with --best-effort-limits. */
function applicable(
  host: Host,
  manager: Manager,
  wanted: readonly CgroupSetting[],
  bestEffort: boolean,
): readonly CgroupSetting[] {
  return wanted.filter((setting) => {
    const problem = problemOf(manager, setting);
    if (!problem) return true;
    if (!bestEffort) throw problem;
    host.log.warn(`${problem.message}: left out (--best-effort-limits)`);
    return false;
  });
}

function problemOf(manager: Manager, { flag, controller }: CgroupSetting): CtrError | undefined {
  if (manager.kind === 'none') {
    return new CtrError('UNSUPPORTED', `${flag} cannot be applied: controller ${controller}: ${manager.reason}`, {
      hint: `${manager.hint}; --best-effort-limits runs without`,
    });
  }
  if (manager.controllers.includes(controller)) return undefined;
  const [where, hint] =
    manager.kind === 'systemd'
      ? [
          'systemd does not delegate it to your session',
          `as root: \`systemctl edit user@.service\`, write [Service] and Delegate=cpu cpuset io memory pids, then log in anew`,
        ]
      : [
          `${manager.directory} does not have it`,
          'whoever made that cgroup has to enable it in cgroup.subtree_control above',
        ];
  return new CtrError('UNSUPPORTED', `${flag} cannot be applied: controller ${controller}: ${where}`, {
    hint: `${hint}; --best-effort-limits runs without`,
  });
}

/** Who would make the control group of a container here. */
export const cgroupManager = (host: Host): Manager => findManager(host, undefined);

function findManager(host: Host, limits: LimitsRequest | undefined): Manager {
  if (!existsSync(`${cgroupRoot}/cgroup.controllers`)) {
    return {
      kind: 'none',
      reason: 'this host has control groups of version 1, which only root may use',
      hint: 'boot with systemd.unified_cgroup_hierarchy=1',
    };
  }
  const own = cgroupOf('self');
  const directory = own === undefined || own === '/' ? cgroupRoot : `${cgroupRoot}${own}`;
  const isDelegatedToUs = getDelegated(directory);
  const address = limits?.mode === 'split' || isDelegatedToUs ? undefined : systemdAddress(host);
  if (address) {
    const user = host.uid === 0 ? '' : `/user.slice/user-${host.uid}.slice/user@${host.uid}.service`;
    return { kind: 'systemd', address, controllers: controllersOf(`${cgroupRoot}${user}`) };
  }
  return findDelegated(directory, limits?.parent);
}

/** systemd marks what it delegates with an extended attribute (systemd.resource-control(5) Delegate=). */
function getDelegated(directory: string): boolean {
  try {
    return getXattr(directory, 'user.delegate')?.toString() === '1' && isWritable(directory);
  } catch {
    return false;
  }
}

/** The user's bus, or the socket on which systemd itself listens; root has the system's. */
function systemdAddress(host: Host): DbusAddress | undefined {
  if (host.uid === 0) {
    const path = '/run/systemd/private';
    return existsSync(path) ? { path, isPeer: true } : undefined;
  }
  const [, named] = /(?:^|;)unix:path=([^,;]+)/.exec(host.env.DBUS_SESSION_BUS_ADDRESS ?? '') ?? [];
  const runtime = host.env.XDG_RUNTIME_DIR ?? `/run/user/${host.uid}`;
  // Without its socket no user manager is behind the bus, whatever the bus is.
  if (!existsSync(`${runtime}/systemd/private`)) return undefined;
  const bus = [named, `${runtime}/bus`].find((path) => path !== undefined && existsSync(path));
  return bus === undefined ? { path: `${runtime}/systemd/private`, isPeer: true } : { path: bus, isPeer: false };
}

/** A directory of the caller's: --cgroup-parent, one above that was divided before, or the own one. */
function findDelegated(own: string, parent: string | undefined): Manager {
  const found = (directory: string, isOwn: boolean): Manager => {
    return { kind: 'delegated', directory, controllers: controllersOf(directory), isOwn };
  };
  if (parent !== undefined) {
    const directory = `${cgroupRoot}/${parent.replace(/^\/+/, '')}`;
    if (isWritable(directory)) return found(directory, false);
    throw new CtrError('DENIED', `--cgroup-parent ${parent}: not a cgroup that you may divide`);
  }
  const above = own.slice(0, own.lastIndexOf('/'));
  if (own.endsWith(`/${callerLeaf}`) && isWritable(above)) return found(above, false);
  if (own !== cgroupRoot && isWritable(own)) return found(own, true);
  return {
    kind: 'none',
    reason: 'no control group belongs to you, and no systemd user session is reachable',
    hint: 'log in through a session of systemd, or as root `loginctl enable-linger USER` and set XDG_RUNTIME_DIR=/run/user/UID; in a service: Delegate=yes',
  };
}

/** Where ctr moves the processes of a cgroup that it divides. */
const callerLeaf = 'ctr-caller';

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    accessSync(`${directory}/cgroup.procs`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function systemdCgroup(
  host: Host,
  id: string,
  address: DbusAddress,
  settings: readonly CgroupSetting[],
  limits: LimitsRequest | undefined,
): ContainerCgroup {
  const slice = sliceOf(limits?.parent, host.uid);
  let scope: { finish(): string } | undefined;
  let [first, second]: [number, number | undefined] = [0, undefined];
  return {
    begin(pid, supervisor) {
      [first, second] = [pid, limits?.mode === 'no-conmon' ? undefined : supervisor];
      const pids = second === undefined ? [first] : [first, second];
      // The pid keeps the name free for a start that follows at once: systemd removes a scope a moment later.
      const name = `ctr-${id.slice(0, 12)}-${pid}.scope`;
      scope = beginScope({ address, uid: host.uid, name, description: `ctr container ${id}`, slice, pids });
    },
    finish() {
      if (!scope) return undefined;
      const container = divideCgroup(scope.finish(), first, second);
      applySettings(container, settings);
      return container;
    },
    // A scope goes with its processes.
    discard: () => {},
  };
}

/** systemd's own names only: `machine.slice`, `a-b.slice`, or a path that ends in one. */
function sliceOf(parent: string | undefined, uid: number): string {
  if (parent === undefined) return uid === 0 ? 'system.slice' : 'user.slice';
  const slice = parent.slice(parent.lastIndexOf('/') + 1);
  if (slice.endsWith('.slice')) return slice;
  throw new CtrError('USAGE', `--cgroup-parent ${parent}: with systemd it has to be a slice, like app.slice`);
}

function delegatedCgroup(
  id: string,
  { directory, isOwn }: { readonly directory: string; readonly isOwn: boolean },
  settings: readonly CgroupSetting[],
): ContainerCgroup {
  let container: string | undefined;
  return {
    begin(pid) {
      if (isOwn) evacuateCgroup(directory, callerLeaf);
      enableControllers(directory);
      container = divideCgroup(`${directory}/ctr-${id.slice(0, 12)}`, pid);
      applySettings(container, settings);
    },
    finish: () => container,
    discard: () => container === undefined || removeCgroup(container),
  };
}
