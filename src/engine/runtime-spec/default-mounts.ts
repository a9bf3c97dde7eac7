/** The mounts that every container has (runtime-spec config-linux.md "Default Filesystems"). */

import type { RuntimeMount } from '../../oci/runtime.ts';
import { aptConfPath } from '../etc-files.ts';
import type { NetworkRequest, RunRequest } from '../run-request.ts';
import type { RuntimeSpecInput } from './facts.ts';
import { isUnmasked } from './masked-paths.ts';

const guarded = ['nosuid', 'noexec', 'nodev'];

/** In the order in which they must be mounted; what the user mounts at the same place, or above it, replaces one. */
export function defaultMounts(input: RuntimeSpecInput): RuntimeMount[] {
  const { request, facts } = input;
  const { privileged, procOptions } = request.security;
  const writable = privileged ? 'rw' : 'ro';
  const cgroupWritable = privileged || isUnmasked(request.security, '/sys/fs/cgroup');
  // A gid that is not mapped makes the mount fail (EINVAL); single-id mode has no gid 5.
  const ttyGroup = facts.gidMappings.some((map) => map.containerID <= 5 && 5 < map.containerID + map.size);
  const mounts: RuntimeMount[] = [
    procMount(request, procOptions),
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(ttyGroup ? ['gid=5'] : [])],
    },
    ...sharedMemory(input),
    sysMount(request.network.mode, writable),
    cgroupMount(request, cgroupWritable ? 'rw' : 'ro'),
  ];
  const replaced = request.mounts.map(({ target }) => target);
  return mounts.filter(({ destination }) => !replaced.some((target) => `${destination}/`.startsWith(`${target}/`)));
}

const boundFromHost = (destination: string, options: readonly string[]): RuntimeMount => {
  return { destination, type: 'bind', source: destination, options: ['rbind', 'rprivate', ...options] };
};

/** proc shows a pid namespace and can be mounted only by who owns it; else the host's own is bound. */
function procMount({ namespaces }: RunRequest, procOptions: readonly string[]): RuntimeMount {
  if (namespaces?.pid?.mode === 'host') return boundFromHost('/proc', guarded);
  return { destination: '/proc', type: 'proc', source: 'proc', options: [...guarded, ...procOptions] };
}

/** What belongs to the ipc namespace: POSIX shared memory and message queues. */
function sharedMemory({ request, facts }: RuntimeSpecInput): RuntimeMount[] {
  const shmSize = request.shmSizeBytes > 0 ? [`size=${request.shmSizeBytes}`] : [];
  const queues: RuntimeMount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded };
  const mode = request.namespaces?.ipc?.mode ?? 'private';
  if (mode === 'none') return [queues];
  if (mode === 'host') return (facts.sharedMemoryMounts ?? []).map((path) => boundFromHost(path, guarded));
  const mountNamespace = facts.namespacePaths?.sharedMemory;
  const memory: RuntimeMount =
    mountNamespace === undefined
      ? { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...guarded, 'mode=1777', ...shmSize] }
      : boundFromHost('/dev/shm', [...guarded, `mntns=${mountNamespace}`]);
  return [memory, queues];
}

function cgroupMount({ namespaces }: RunRequest, access: string): RuntimeMount {
  const destination = '/sys/fs/cgroup';
  // Likewise: a new mount shows the cgroup namespace that its maker has.
  if (namespaces?.cgroup?.mode === 'host') return boundFromHost(destination, [...guarded, access]);
  return { destination, type: 'cgroup', source: 'cgroup', options: [...guarded, 'relatime', access] };
}

/** sysfs shows a network namespace and can be mounted only by who owns it; else the host's own is bound. */
function sysMount(mode: NetworkRequest['mode'], writable: string): RuntimeMount {
  if (mode !== 'host' && mode !== 'ns') {
    return { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...guarded, writable] };
  }
  return { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'rprivate', ...guarded, writable] };
}

/**
 * The files that ctr writes for the container, unless the user mounts something at their very place. With --read-only
 * they are read-only too.
 */
export function etcMounts({ request, facts }: RuntimeSpecInput): RuntimeMount[] {
  const { hosts, hostname, resolvConf, containerEnv, aptConf } = facts.etcFiles;
  // A mount point that is missing would be made in the host's own directory.
  const hostRun = request.mounts.some(({ type, target }) => type === 'bind' && target === '/run');
  const hostApt = request.mounts.some(({ target }) => aptConfPath.startsWith(`${target}/`));
  const files = [
    ['/etc/hosts', hosts],
    ['/etc/hostname', hostname],
    ['/etc/resolv.conf', resolvConf],
    ['/run/.containerenv', hostRun ? undefined : containerEnv],
    ...(request.chrootDirs ?? []).flatMap((root) => [
      [`${root}/etc/hosts`, hosts] as const,
      [`${root}/etc/hostname`, hostname] as const,
      [`${root}/etc/resolv.conf`, resolvConf] as const,
    ]),
    [aptConfPath, hostApt ? undefined : aptConf],
  ] as const;
  const options = ['bind', 'rprivate', ...(request.readOnly ? ['ro', ...guarded] : [])];
  return files.flatMap(([destination, source]) =>
    source === undefined || request.mounts.some(({ target }) => target === destination)
      ? []
      : [{ destination, type: 'bind', source, options }],
  );
}
