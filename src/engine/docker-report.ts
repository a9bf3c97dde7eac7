/** `ctr info` under the name of docker: the members of `docker info` that scripts ask for, out of the same report. */
import { createHash } from 'node:crypto';
import type { Host } from '../base/host.ts';
import { readKernelFile } from '../linux/host-files.ts';
import { hostReport } from './host-report.ts';

export function dockerReport(host: Host) {
  const { host: machine, store, version } = hostReport(host);
  const { containerStore: containers } = store;
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readKernelFile('/etc/os-release') ?? '')?.[1];
  const { apparmorEnabled, seccompEnabled, selinuxEnabled, rootless } = machine.security;
  return {
    // One store is one engine.
    ID: createHash('sha256').update(`${machine.hostname}:${host.dataRoot}`).digest('hex').slice(0, 32),
    Containers: containers.number,
    ContainersRunning: containers.running,
    ContainersPaused: containers.paused,
    ContainersStopped: containers.stopped,
    Images: store.imageStore.number,
    Driver: store.graphDriverName === 'overlay' ? 'overlay2' : store.graphDriverName,
    DriverStatus: [],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'none'],
      Authorization: null,
      Log: ['json-file', 'journald', 'none'],
    },
    MemoryLimit: machine.cgroupControllers.includes('memory'),
    SwapLimit: machine.cgroupControllers.includes('memory'),
    CpuCfsPeriod: machine.cgroupControllers.includes('cpu'),
    CpuCfsQuota: machine.cgroupControllers.includes('cpu'),
    CPUShares: machine.cgroupControllers.includes('cpu'),
    CPUSet: machine.cgroupControllers.includes('cpuset'),
    PidsLimit: machine.cgroupControllers.includes('pids'),
    OomKillDisable: false,
    IPv4Forwarding: true,
    Debug: false,
    LoggingDriver: 'framed',
    CgroupDriver: machine.cgroupManager,
    CgroupVersion: machine.cgroupVersion.slice(1),
    KernelVersion: machine.kernel,
    OperatingSystem: name ?? machine.distribution.distribution,
    OSVersion: machine.distribution.version,
    OSType: 'linux',
    Architecture: machine.arch === 'amd64' ? 'x86_64' : machine.arch === 'arm64' ? 'aarch64' : machine.arch,
    NCPU: machine.cpus,
    MemTotal: machine.memTotal,
    DockerRootDir: store.graphRoot,
    HttpProxy: host.env.HTTP_PROXY ?? host.env.http_proxy ?? '',
    HttpsProxy: host.env.HTTPS_PROXY ?? host.env.https_proxy ?? '',
    NoProxy: host.env.NO_PROXY ?? host.env.no_proxy ?? '',
    Name: machine.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version.Version,
    Runtimes: { ctr: { path: machine.ociRuntime.path } },
    DefaultRuntime: 'ctr',
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '' },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'ctr-init',
    SecurityOptions: [
      ...(apparmorEnabled ? ['name=apparmor'] : []),
      ...(seccompEnabled ? ['name=seccomp,profile=builtin'] : []),
      ...(selinuxEnabled ? ['name=selinux'] : []),
      ...(rootless ? ['name=rootless'] : []),
      'name=cgroupns',
    ],
    Warnings: null,
    ClientInfo: { Debug: false, Version: version.Version, Context: 'default', Plugins: [], Warnings: null },
  };
}
