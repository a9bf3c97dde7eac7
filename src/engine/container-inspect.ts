/** `ctr container inspect`: a container in the shape that scripts for Docker and Podman read. */
import type { Host } from '../base/host.ts';
import { readJsonFile } from '../base/json-file.ts';
import { array, object, optional, string } from '../oci/check.ts';
import { hexOf } from '../oci/digest.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { type ContainerRecord, resolveContainer } from '../storage/container-store.ts';
import { readImage } from '../storage/image-store.ts';
import { layout } from '../storage/layout.ts';
import { hostConfigOf } from './container-inspect-host.ts';
import { networkSettingsOf } from './container-inspect-network.ts';
import { type ContainerEntry, entryOf } from './container-list.ts';
import { containerSizes } from './container-size.ts';
import { isRunning } from './container-status.ts';
import { defaultsOf, healthPlanFor } from './healthcheck.ts';
import type { InspectStyle } from './image-inspect.ts';
import type { RunRequest } from './run-request.ts';

const noTime = '0001-01-01T00:00:00Z';

export async function inspectContainer(
  host: Host,
  nameOrId: string,
  { style, size }: { readonly style: InspectStyle; readonly size: boolean },
): Promise<Record<string, unknown>> {
  const container = resolveContainer(host, nameOrId);
  const entry = entryOf(host, container);
  const { request, status } = entry;
  const [path = '', ...args] = container.command;
  const etc = (name: string) => layout.containerEtc(host, container.id, name);
  const hex = container.imageId === undefined ? '' : hexOf(container.imageId);
  return {
    Id: container.id,
    Created: container.createdAt,
    Path: path,
    Args: args,
    State: stateOf(entry, style),
    Image: style === 'docker' && hex !== '' ? `sha256:${hex}` : hex,
    ResolvConfPath: etc('resolv.conf'),
    HostnamePath: etc('hostname'),
    HostsPath: etc('hosts'),
    LogPath: logPathOf(host, entry),
    Name: style === 'docker' ? `/${container.name}` : container.name,
    RestartCount: status.restarts,
    Driver: container.driver === 'overlay' && style === 'docker' ? 'overlay2' : container.driver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: [],
    HostConfig: hostConfigOf(entry, style),
    GraphDriver: { Name: container.driver, Data: { UpperDir: layout.upper(host, container.id) } },
    Mounts: mountsOf(host, container, request),
    Config: configOf(host, entry, defaultsOf(host, container)),
    NetworkSettings: networkSettingsOf(host, entry),
    ...(size ? await sizesOf(host, container) : {}),
    ...(style === 'podman' ? podmanMembers(host, entry) : {}),
  };
}

function logPathOf(host: Host, { container, request: { logging } }: ContainerEntry): string {
  if (logging.driver === 'framed') return layout.containerLog(host, container.id);
  const isText = logging.driver === 'json-file' || logging.driver === 'k8s-file';
  return isText ? (logging.path ?? layout.containerTextLog(host, container.id)) : '';
}

async function sizesOf(host: Host, container: ContainerRecord): Promise<object> {
  const [size] = await containerSizes(host, [container]);
  return { SizeRw: size?.rwBytes ?? 0, SizeRootFs: size?.rootFsBytes ?? 0 };
}

function stateOf({ status, health }: ContainerEntry, style: InspectStyle): object {
  // Podman's templates may name the members of one that is not checked.
  const unchecked = style === 'podman' ? { Health: { Status: '', FailingStreak: 0, Log: null } } : {};
  return {
    Status: status.name,
    Running: isRunning(status),
    Paused: status.name === 'paused',
    Restarting: false,
    OOMKilled: status.oomKilled,
    Dead: false,
    Pid: status.pid,
    ExitCode: status.exitCode,
    Error: status.error ?? '',
    StartedAt: status.startedAt ?? noTime,
    FinishedAt: status.finishedAt ?? noTime,
    ...(health ? { Health: health } : unchecked),
    ...(style === 'podman' ? { OciVersion: '1.2.0', CheckpointedAt: noTime, RestoredAt: noTime } : {}),
  };
}

function mountsOf(host: Host, container: ContainerRecord, request: RunRequest): object[] {
  const started = startedConfig(host, container);
  return request.mounts.map((mount) => {
    const source = started?.mounts.find(({ destination }) => destination === mount.target)?.source;
    return {
      Type: mount.type,
      ...(mount.type === 'volume' ? { Name: mount.source ?? '' } : {}),
      Source: source ?? mount.source ?? '',
      Destination: mount.target,
      ...(mount.type === 'volume' ? { Driver: 'local' } : {}),
      Mode: mount.options.join(','),
      Options: mount.options,
      RW: !mount.readOnly,
      Propagation: mount.options.find((option) => /^r?(private|shared|slave)$/.test(option)) ?? 'rprivate',
    };
  });
}

/** What the container was last started with; absent before its first start. */
function startedConfig(host: Host, { id }: ContainerRecord) {
  const path = layout.containerConfig(host, id);
  const value = readJsonFile(path);
  return value === undefined ? undefined : startedShape(value, path);
}

const startedShape = object({
  hostname: optional(string),
  process: object({
    env: array(string),
    cwd: string,
    capabilities: optional(object({ bounding: array(string), effective: array(string) })),
  }),
  mounts: array(object({ destination: string, source: string })),
});

function configOf(host: Host, { container, request }: ContainerEntry, defaults: ContainerDefaults): object {
  const started = startedConfig(host, container);
  const health = healthPlanFor(request.health, defaults);
  const ports = [
    ...Object.keys(defaults.ExposedPorts ?? {}),
    ...request.publish.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ];
  return {
    Hostname: started?.hostname ?? request.hostname ?? container.id.slice(0, 12),
    Domainname: '',
    User: request.user ?? defaults.User ?? '',
    AttachStdin: request.interactive && !request.detach && (request.attach?.includes('stdin') ?? true),
    AttachStdout: !request.detach && (request.attach?.includes('stdout') ?? true),
    AttachStderr: !request.detach && (request.attach?.includes('stderr') ?? true),
    ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    Tty: request.tty,
    OpenStdin: request.interactive,
    StdinOnce: false,
    Env: started?.process.env ?? [...(defaults.Env ?? []), ...request.env],
    Cmd: request.command.length > 0 ? request.command : (defaults.Cmd ?? null),
    Image: container.imageName ?? '',
    Volumes: volumesOf(request, defaults),
    WorkingDir: started?.process.cwd ?? request.workdir ?? (defaults.WorkingDir || '/'),
    Entrypoint: request.entrypoint ?? defaults.Entrypoint ?? null,
    OnBuild: null,
    Labels: container.labels,
    Annotations: request.annotations,
    StopSignal: request.stopSignal ?? defaults.StopSignal ?? 'SIGTERM',
    StopTimeout: request.stopTimeoutMs / 1000,
    Umask: request.umask.toString(8).padStart(4, '0'),
    Timeout: request.timeoutMs / 1000,
    sdNotifyMode: request.sdNotify ?? 'container',
    Passwd: !request.keepPasswd,
    ...(health
      ? {
          Healthcheck: {
            Test: health.test,
            Interval: health.intervalMs * 1e6,
            Timeout: health.timeoutMs * 1e6,
            StartPeriod: health.startPeriodMs * 1e6,
            StartInterval: health.startIntervalMs * 1e6,
            Retries: health.retries,
          },
          HealthcheckOnFailureAction: health.onFailure,
        }
      : {}),
  };
}

function volumesOf({ mounts }: RunRequest, { Volumes }: ContainerDefaults): object | null {
  const targets = [
    ...Object.keys(Volumes ?? {}),
    ...mounts.filter(({ type }) => type === 'volume').map(({ target }) => target),
  ];
  return targets.length === 0 ? null : Object.fromEntries(targets.map((target) => [target, {}]));
}

/** What users of Podman rely on beside Docker's members. */
function podmanMembers(host: Host, { container, request, status }: ContainerEntry): object {
  const capabilities = startedConfig(host, container)?.process.capabilities;
  return {
    ImageName: container.imageName ?? '',
    Rootfs: request.rootfs?.path ?? '',
    OCIConfigPath: layout.containerConfig(host, container.id),
    OCIRuntime: 'ctr',
    ImageDigest: container.imageId === undefined ? '' : (readImage(host, container.imageId)?.manifest.digest ?? ''),
    PidFile: request.pidFile ?? '',
    ConmonPidFile: '',
    StaticDir: layout.container(host, container.id),
    Namespace: '',
    BoundingCaps: capabilities?.bounding ?? null,
    EffectiveCaps: capabilities?.effective ?? null,
    IsInfra: false,
    IsService: false,
    Pod: '',
    Dependencies: request.requires,
    lockNumber: 0,
    ...(status.cgroupPath === undefined ? {} : { CgroupPath: status.cgroupPath }),
  };
}
