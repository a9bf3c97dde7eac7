/** What `ctr info` shows: this host, this user's store and the rungs taken, in the structure of `podman info`. */
import { statfsSync } from 'node:fs';
import { availableParallelism, freemem, hostname, release, totalmem, uptime } from 'node:os';
import type { Host } from '../base/host.ts';
import { version } from '../base/version.ts';
import { findExecutable, readKernelFile } from '../linux/host-files.ts';
import { chooseIdMaps } from '../ns/id-maps.ts';
import { hostPlatform } from '../oci/platform.ts';
import type { IdMapping } from '../oci/runtime.ts';
import { readRunningState } from '../storage/container-state.ts';
import { listContainers } from '../storage/container-store.ts';
import { listImages } from '../storage/image-store.ts';
import { layout } from '../storage/layout.ts';
import { readCgroups } from './host-cgroups.ts';
import { logDrivers } from './run-request.ts';
import { chooseStorageDriver } from './storage-driver.ts';

export type HostReport = ReturnType<typeof hostReport>;

export function hostReport(host: Host) {
  return {
    host: hostPart(host),
    plugins: { volume: ['local'], network: ['bridge'], log: [...logDrivers], authorization: null },
    registries: {},
    store: storePart(host),
    version: versionPart(),
  };
}

function hostPart(host: Host) {
  const { version: cgroupVersion, controllers, isDelegated } = readCgroups();
  const path = host.env.PATH ?? '';
  const find = (name: string) => findExecutable(name, path);
  const maps = chooseIdMaps({ uid: host.uid, gid: host.gid, find });
  const pasta = find('pasta');
  return {
    arch: hostPlatform().architecture,
    cgroupControllers: controllers,
    cgroupDelegated: isDelegated,
    cgroupManager: 'cgroupfs',
    cgroupVersion: `v${cgroupVersion}`,
    cpus: availableParallelism(),
    distribution: distribution(readKernelFile('/etc/os-release') ?? ''),
    hostname: hostname(),
    idMappings: {
      kind: maps.kind,
      uidmap: podmanMap(maps.uid),
      gidmap: podmanMap(maps.gid),
      ...(maps.notice === undefined ? {} : { notice: maps.notice }),
    },
    kernel: release(),
    eventLogger: 'file',
    logDriver: 'framed',
    memFree: freemem(),
    memTotal: totalmem(),
    ...swapOf(readKernelFile('/proc/meminfo') ?? ''),
    networkBackend: 'netavark',
    network: { rootlessNetworkCmd: pasta ?? find('slirp4netns') ?? 'none' },
    ociRuntime: { name: 'ctr', path: process.execPath, version },
    os: 'linux',
    pasta: { executable: pasta ?? '' },
    slirp4netns: { executable: find('slirp4netns') ?? '' },
    remoteSocket: { exists: false, path: '' },
    serviceIsRemote: false,
    security: {
      apparmorEnabled: readKernelFile('/sys/module/apparmor/parameters/enabled') === 'Y',
      rootless: host.uid !== 0,
      seccompEnabled: readKernelFile('/proc/sys/kernel/seccomp/actions_avail') !== undefined,
      seccompProfilePath: 'default',
      selinuxEnabled: readKernelFile('/sys/fs/selinux/enforce') !== undefined,
    },
    uptime: `${Math.floor(uptime())}s`,
  };
}

function storePart(host: Host) {
  const { containers } = listContainers(host);
  const running = containers.filter(({ id }) => readRunningState(host, id) !== undefined).length;
  const { driver, reasons } = chooseStorageDriver(host);
  const disk = diskOf(host.dataRoot);
  return {
    configFile: '',
    containerStore: { number: containers.length, paused: 0, running, stopped: containers.length - running },
    graphDriverName: driver,
    graphDriverReasons: reasons,
    graphOptions: {},
    graphStatus: {},
    imageCopyTmpDir: layout.tmp(host),
    graphRoot: host.dataRoot,
    graphRootAllocated: disk.total,
    graphRootUsed: disk.total - disk.free,
    additionalImageStores: host.additionalStores,
    imageStore: { number: listImages(host).length },
    runRoot: host.runRoot,
    volumePath: layout.volumes(host),
  };
}

function versionPart() {
  return {
    APIVersion: version,
    NodeVersion: process.versions.node,
    Os: 'linux',
    OsArch: `linux/${hostPlatform().architecture}`,
    Version: version,
  };
}

/** proc_meminfo(5), in bytes. */
function swapOf(meminfo: string): { swapTotal: number; swapFree: number } {
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  return { swapTotal: bytes('SwapTotal'), swapFree: bytes('SwapFree') };
}

/** The names of `podman info`: container_id, host_id, size. */
function podmanMap(maps: readonly IdMapping[]) {
  return maps.map(({ containerID, hostID, size }) => ({ container_id: containerID, host_id: hostID, size }));
}

/** ID and VERSION_ID of an os-release(5) text. */
export function distribution(osRelease: string): { distribution: string; version: string } {
  const value = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? 'unknown';
  return { distribution: value('ID'), version: value('VERSION_ID') };
}

function diskOf(path: string): { total: number; free: number } {
  try {
    const { blocks, bfree, bsize } = statfsSync(path);
    return { total: blocks * bsize, free: bfree * bsize };
  } catch {
    return { total: 0, free: 0 }; // not made yet
  }
}
