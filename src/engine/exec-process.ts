/** What `exec` runs: the container's own process by its config.json, changed by the flags of `exec`. */
import { closeSync, constants, fstatSync, readFileSync, readSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile } from '../base/json-file.ts';
import { capabilityNames, lastCapability } from '../linux/capabilities.ts';
import { openBelow } from '../linux/open-in-root.ts';
import { array, boolean, type Check, integer, natural, object, optional, string } from '../oci/check.ts';
import type { RuntimeConfig, RuntimeProcess } from '../oci/runtime.ts';
import { layout } from '../storage/layout.ts';
import { type ContainerUser, lookUpUser } from './user-lookup.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  /** `NAME=VALUE`, in order. */
  readonly env: readonly string[];
  /** `name|uid[:group|gid]`; absent: the container's own. */
  readonly user?: string;
  readonly workdir?: string;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly privileged: boolean;
  readonly detachKeys: string;
  /** Descriptors 3, 4, … that the command keeps. */
  readonly preserveFds: number;
}

const capabilities = array(string);

const runtimeProcess: Check<RuntimeProcess> = object({
  terminal: boolean,
  args: array(string),
  env: array(string),
  cwd: string,
  user: object({ uid: natural, gid: natural, additionalGids: array(natural), umask: natural }),
  capabilities: object({
    bounding: capabilities,
    effective: capabilities,
    inheritable: capabilities,
    permitted: capabilities,
    ambient: capabilities,
  }),
  rlimits: array(object({ type: string, soft: integer, hard: integer })),
  noNewPrivileges: boolean,
  oomScoreAdj: optional(integer),
});

const runtimeConfig: Check<Pick<RuntimeConfig, 'process'>> = object({ process: runtimeProcess });

/** The process that the running container `id` was started with. */
export function containerProcess(host: Host, id: string): RuntimeProcess {
  const path = layout.containerConfig(host, id);
  const value = readJsonFile(path);
  if (value === undefined) throw new CtrError('STATE', `container ${id.slice(0, 12)} was never started`);
  return runtimeConfig(value, path).process;
}

/** podman-exec(1): what no flag names is the container's own. `init` is its first process. */
export function processForExec(own: RuntimeProcess, request: ExecRequest, init: number): RuntimeProcess {
  const found = request.user === undefined ? undefined : lookUpUser(request.user, userFilesOf(init));
  const user = found
    ? { uid: found.uid, gid: found.gid, additionalGids: found.additionalGids, umask: own.user.umask }
    : own.user;
  return {
    terminal: request.tty,
    args: request.command,
    env: environmentFor(own, request, found),
    cwd: request.workdir ?? own.cwd,
    user,
    capabilities: capabilitiesOf(own, request, user.uid),
    rlimits: own.rlimits,
    noNewPrivileges: own.noNewPrivileges && !request.privileged,
  };
}

function environmentFor(own: RuntimeProcess, request: ExecRequest, user: ContainerUser | undefined): string[] {
  const variables = new Map<string, string>();
  const set = (pair: string) => {
    const equals = pair.indexOf('=');
    if (equals > 0) variables.set(pair.slice(0, equals), pair.slice(equals + 1));
  };
  own.env.forEach(set);
  if (request.tty && !variables.has('TERM')) set('TERM=xterm');
  if (user) set(`HOME=${user.home}`);
  request.env.forEach(set);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** Root has what the container may have at most; another user only what was made ambient for the container's own. */
function capabilitiesOf(own: RuntimeProcess, request: ExecRequest, uid: number): RuntimeProcess['capabilities'] {
  const { bounding, ambient } = own.capabilities;
  if (request.privileged) {
    const all = capabilityNames.slice(0, lastCapability() + 1);
    const held = uid === 0 ? all : [];
    return { bounding: all, effective: held, permitted: held, inheritable: [], ambient: [] };
  }
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] };
  return { bounding, effective: ambient, permitted: ambient, inheritable: ambient, ambient };
}

/** /etc/passwd and /etc/group of real systems stay far below this. */
const maxUserFileBytes = 4 * 1024 * 1024;

/** As they are now, in the running container's own view. */
function userFilesOf(init: number): { passwd: string; group: string } {
  return { passwd: readInside(init, '/etc/passwd'), group: readInside(init, '/etc/group') };
}

function readInside(init: number, path: string): string {
  let fd: number;
  try {
    // O_NONBLOCK: a FIFO in its place would keep us waiting.
    fd = openBelow(`/proc/${init}/root`, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    const space = Buffer.alloc(Math.min(stat.size, maxUserFileBytes) + 1);
    const length = readSync(fd, space, 0, space.length, 0);
    if (length > maxUserFileBytes) throw new CtrError('INVALID', `${path} of the container is too large`);
    return space.subarray(0, length).toString('latin1');
  } finally {
    closeSync(fd);
  }
}

/** The cgroup.procs file of the first process' cgroup where that is not ours. cgroups(7), /proc/PID/cgroup */
export function cgroupProcsOf(init: number): string | undefined {
  const pathOf = (pid: number | 'self') => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  const path = pathOf(init);
  if (path === undefined || path === pathOf('self') || path.includes('/../')) return undefined;
  return `${cgroupMount()}${path}/cgroup.procs`;
}

/** Where cgroup v2 is: beside v1 it is mounted one level deeper. */
function cgroupMount(): string {
  const mounts = readFileSync('/proc/self/mounts', 'latin1');
  return /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? '/sys/fs/cgroup';
}
