/** HostConfig of `inspect`: what was asked for, in Docker's words. */
import { portBindings } from './container-inspect-network.ts';
import type { ContainerEntry } from './container-list.ts';
import type { LogRequest, MountRequest, NetworkRequest, RunRequest } from './run-request.ts';
import type { DeviceLimit, NamespaceMode, UsernsRequest } from './sandbox-request.ts';

export function hostConfigOf({ request, status }: ContainerEntry, style: 'podman' | 'docker'): object {
  const { security, namespaces = {} } = request;
  return {
    Binds: request.mounts.filter(isBind).map(bindText),
    ContainerIDFile: request.cidFile ?? '',
    LogConfig: logConfigOf(request.logging),
    NetworkMode: networkModeOf(request.network),
    PortBindings: portBindings(request.publish),
    RestartPolicy: { Name: request.restart.name, MaximumRetryCount: request.restart.maxRetries },
    AutoRemove: request.remove,
    CapAdd: security.capAdd,
    CapDrop: security.capDrop,
    CgroupnsMode: namespaceMode(namespaces.cgroup),
    Dns: request.dns,
    DnsOptions: request.dnsOptions,
    DnsSearch: request.dnsSearch,
    ExtraHosts: request.addHosts,
    GroupAdd: request.groupAdd,
    IpcMode: namespaceMode(namespaces.ipc),
    OomScoreAdj: request.oomScoreAdj ?? 0,
    PidMode: namespaceMode(namespaces.pid),
    Privileged: security.privileged,
    PublishAllPorts: request.publishAll,
    ReadonlyRootfs: request.readOnly,
    SecurityOpt: securityOptions(request),
    Tmpfs: Object.fromEntries(tmpfsOf(request.mounts)),
    UTSMode: namespaceMode(namespaces.uts),
    UsernsMode: usernsMode(request.userns),
    ShmSize: request.shmSizeBytes,
    Sysctls: request.sysctls,
    Runtime: 'ctr',
    Init: request.init,
    ...limitsOf(request),
    Devices: request.devices.map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      CgroupPermissions: permissions,
    })),
    Ulimits: request.ulimits.map(({ name, soft, hard }) => ({
      Name: `RLIMIT_${name.toUpperCase()}`,
      Soft: soft,
      Hard: hard,
    })),
    MaskedPaths: security.mask,
    CgroupParent: status.cgroupPath?.replace(/\/[^/]*$/, '') ?? '',
    VolumesFrom: request.volumesFrom.length > 0 ? request.volumesFrom : null,
    VolumeDriver: request.volumeDriver ?? '',
    Links: null,
    ConsoleSize: [0, 0],
    Isolation: '',
    KernelMemory: 0,
    MemorySwappiness: style === 'podman' ? 0 : null,
    OomKillDisable: false,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    ...deviceLimitsOf(request),
    ...(style === 'podman' ? cgroupOf(request) : {}),
  };
}

const isBind = ({ type, source }: MountRequest) => type === 'bind' || (type === 'volume' && source !== undefined);

function bindText({ source, target, readOnly, options }: MountRequest): string {
  return [source, target, [readOnly ? 'ro' : 'rw', ...options].join(',')].join(':');
}

const tmpfsOf = (mounts: readonly MountRequest[]) =>
  mounts.filter(({ type }) => type === 'tmpfs').map(({ target, options }) => [target, options.join(',')] as const);

function networkModeOf(network: NetworkRequest): string {
  switch (network.mode) {
    case 'container':
      return `container:${network.container}`;
    case 'ns':
      return `ns:${network.path}`;
    case 'bridge':
      return network.networks[0]?.name ?? 'bridge';
    default:
      return network.mode;
  }
}

function logConfigOf({ driver, maxBytes, maxFiles, path, tag }: LogRequest): object {
  return {
    Type: driver,
    Config: {
      ...(maxBytes === 0 ? {} : { 'max-size': `${maxBytes}`, 'max-file': `${maxFiles}` }),
      ...(path === undefined ? {} : { path }),
      ...(tag === undefined ? {} : { tag }),
    },
  };
}

function securityOptions({ security }: RunRequest): string[] {
  return [
    ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(security.seccomp === undefined ? [] : [`seccomp=${security.seccomp}`]),
  ];
}

/** Docker's lists of limits for block devices. */
function deviceLimitsOf({ limits = {} }: RunRequest): object {
  const of = (key: DeviceLimit['key']) =>
    (limits.deviceLimits ?? [])
      .filter((limit) => limit.key === key)
      .map(({ path, value }) => ({ Path: path, Rate: value }));
  return {
    BlkioDeviceReadBps: of('rbps'),
    BlkioDeviceWriteBps: of('wbps'),
    BlkioDeviceReadIOps: of('riops'),
    BlkioDeviceWriteIOps: of('wiops'),
    BlkioWeightDevice: of('weight').map(({ Path, Rate }) => ({ Path, Weight: Rate })),
  };
}

function cgroupOf({ limits = {}, namespaces = {} }: RunRequest): object {
  return {
    Cgroups: limits.mode === undefined || limits.mode === 'enabled' ? 'default' : limits.mode,
    CgroupMode: namespaceMode(namespaces.cgroup),
    CgroupConf: limits.conf ?? null,
  };
}

/** Docker says 0 where there is no limit. */
function limitsOf({ limits = {} }: RunRequest): object {
  const { cpuQuota = 0, cpuPeriod = 0 } = limits;
  const nanoCpus = cpuQuota > 0 ? Math.round((cpuQuota / (cpuPeriod || 100_000)) * 1e9) : 0;
  return {
    Memory: limits.memory ?? 0,
    MemorySwap: limits.memorySwap ?? 0,
    MemoryReservation: limits.memoryReservation ?? 0,
    NanoCpus: nanoCpus,
    CpuQuota: cpuQuota,
    CpuPeriod: cpuPeriod,
    CpuShares: limits.cpuShares ?? 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    PidsLimit: limits.pids ?? 0,
    BlkioWeight: limits.blkioWeight ?? 0,
  };
}

/** Podman's words; '' is the usual map. */
function usernsMode(userns: UsernsRequest | undefined): string {
  if (userns === undefined || userns.mode === 'host') return '';
  if (userns.mode === 'container') return `container:${userns.container}`;
  return userns.mode === 'map' ? 'private' : userns.mode;
}

/** `private`, `host`, `container:ID`, `ns:PATH`. */
function namespaceMode(mode: NamespaceMode | undefined): string {
  if (mode === undefined) return 'private';
  if (mode.mode === 'container') return `container:${mode.container}`;
  return mode.mode === 'ns' ? `ns:${mode.path}` : mode.mode;
}
