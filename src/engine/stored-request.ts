/**
 * A container's RunRequest as container.json has it. The file lies in the user's own data root, but it outlives
 * versions of ctr and may be half of a broken disk: nothing of it is believed unseen.
 */
import {
  array,
  boolean,
  type Check,
  integer,
  literal,
  natural,
  object,
  optional,
  record,
  string,
} from '../oci/check.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import {
  type DeviceRequest,
  type HealthRequest,
  healthActions,
  type LogRequest,
  logDrivers,
  type MountRequest,
  type NetworkAttachment,
  type NetworkRequest,
  type PortRequest,
  type RestartPolicy,
  type RunRequest,
  type SecurityRequest,
  type StartupCheck,
  type UlimitRequest,
} from './run-request.ts';
import { sandboxShape } from './sandbox-request.ts';

/** The request that `container` was created with; throws INVALID with the path to what is wrong. */
export function storedRequest(container: Pick<ContainerRecord, 'id' | 'request'>): RunRequest {
  return runRequest(container.request, `container ${container.id.slice(0, 12)}: request`);
}

/** As storedRequest; undefined for one that is broken: stopping and removing must work all the same. */
export function requestIfWhole(container: Pick<ContainerRecord, 'id' | 'request'>): RunRequest | undefined {
  try {
    return storedRequest(container);
  } catch {
    return undefined;
  }
}

/** A check for every member: one that is missing here would be dropped when a container is started again. */
type Shape<T> = Readonly<Record<keyof T, Check<unknown>>>;

const strings = array(string);

const mountRequest: Check<MountRequest> = object({
  type: literal('bind', 'volume', 'tmpfs', 'ramfs', 'devpts', 'image'),
  source: optional(string),
  target: string,
  readOnly: boolean,
  options: strings,
  subpath: optional(string),
  volumeDriver: optional(string),
  volumeOptions: optional(record(string)),
} satisfies Shape<MountRequest>);

const portRequest: Check<PortRequest> = object({
  hostIp: optional(string),
  hostPort: natural,
  containerPort: natural,
  protocol: literal('tcp', 'udp', 'sctp'),
} satisfies Shape<PortRequest>);

const securityRequest: Check<SecurityRequest> = object({
  privileged: boolean,
  capAdd: strings,
  capDrop: strings,
  noNewPrivileges: boolean,
  seccomp: optional(string),
  mask: strings,
  unmask: strings,
  procOptions: strings,
} satisfies Shape<SecurityRequest>);

const deviceRequest: Check<DeviceRequest> = object({
  hostPath: string,
  containerPath: string,
  permissions: string,
} satisfies Shape<DeviceRequest>);

const ulimitRequest: Check<UlimitRequest> = object({
  name: string,
  soft: integer,
  hard: integer,
} satisfies Shape<UlimitRequest>);

export const logRequest: Check<LogRequest> = object({
  driver: literal(...logDrivers),
  maxBytes: natural,
  maxFiles: natural,
  path: optional(string),
  tag: optional(string),
} satisfies Shape<LogRequest>);

const startupCheck: Check<StartupCheck> = object({
  test: strings,
  intervalMs: natural,
  timeoutMs: natural,
  retries: natural,
  successes: natural,
} satisfies Shape<StartupCheck>);

const healthRequest: Check<HealthRequest> = object({
  isOff: boolean,
  test: optional(strings),
  intervalMs: optional(natural),
  timeoutMs: optional(natural),
  startPeriodMs: optional(natural),
  startIntervalMs: optional(natural),
  retries: optional(natural),
  onFailure: literal(...healthActions),
  startup: optional(startupCheck),
  logCount: optional(natural),
  logBytes: optional(natural),
  logDirectory: optional(string),
} satisfies Shape<HealthRequest>);

const restartPolicy: Check<RestartPolicy> = object({
  name: literal('no', 'on-failure', 'always', 'unless-stopped'),
  maxRetries: natural,
} satisfies Shape<RestartPolicy>);

const attachment: Check<NetworkAttachment> = object({
  name: string,
  options: strings,
} satisfies Shape<NetworkAttachment>);

const networkMode = object({
  mode: literal('none', 'host', 'private', 'default', 'pasta', 'slirp4netns', 'container', 'ns', 'bridge'),
});

const networkRequest: Check<NetworkRequest> = (value, path) => {
  const { mode } = networkMode(value, path);
  switch (mode) {
    case 'pasta':
    case 'slirp4netns':
      return { mode, ...object({ options: strings })(value, path) };
    case 'container':
      return { mode, ...object({ container: string })(value, path) };
    case 'ns':
      return { mode, ...object({ path: string })(value, path) };
    case 'bridge':
      return { mode, ...object({ networks: array(attachment) })(value, path) };
    default:
      return { mode };
  }
};

const runRequest: Check<RunRequest> = object({
  image: optional(string),
  rootfs: optional(object({ path: string, overlay: boolean })),
  command: strings,
  entrypoint: optional(strings),
  name: optional(string),
  hostname: optional(string),
  env: strings,
  unsetEnv: strings,
  unsetAllEnv: boolean,
  workdir: optional(string),
  user: optional(string),
  groupAdd: strings,
  labels: record(string),
  annotations: record(string),
  interactive: boolean,
  tty: boolean,
  detach: boolean,
  remove: boolean,
  detachKeys: string,
  sigProxy: boolean,
  init: boolean,
  readOnly: boolean,
  readOnlyTmpfs: boolean,
  mounts: array(mountRequest),
  volumesFrom: strings,
  imageVolumes: optional(literal('tmpfs', 'ignore')),
  volumeDriver: optional(string),
  network: networkRequest,
  dns: strings,
  dnsSearch: strings,
  dnsOptions: strings,
  addHosts: strings,
  noHosts: boolean,
  publish: array(portRequest),
  publishAll: boolean,
  expose: optional(strings),
  hostsFile: optional(string),
  security: securityRequest,
  devices: array(deviceRequest),
  ulimits: array(ulimitRequest),
  sysctls: record(string),
  shmSizeBytes: natural,
  stopSignal: optional(string),
  stopTimeoutMs: natural,
  restart: restartPolicy,
  timeoutMs: natural,
  replace: boolean,
  requires: strings,
  removeImage: boolean,
  umask: natural,
  pull: literal('missing', 'always', 'never', 'newer'),
  platform: optional(string),
  tlsVerify: optional(boolean),
  authFile: optional(string),
  quiet: boolean,
  cidFile: optional(string),
  pidFile: optional(string),
  oomScoreAdj: optional(integer),
  logging: logRequest,
  health: healthRequest,
  ...sandboxShape,
  notices: strings,
} satisfies Shape<RunRequest>);
