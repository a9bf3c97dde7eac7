import type { SandboxRequest } from './sandbox-request.ts';

/**
 * What `ctr run` and `ctr create` ask for, as plain data: flags are parsed and checked before this is made
 * (cli/flags/), nothing here needs the image or the kernel. Sizes are bytes, times are milliseconds.
 */
export interface RunRequest extends SandboxRequest {
  /** An image reference or ID; absent with `rootfs`. */
  readonly image?: string;
  /** `--rootfs PATH[:O]`: run a directory; with overlay, changes go to an upper directory instead. */
  readonly rootfs?: { readonly path: string; readonly overlay: boolean };
  /** Arguments after the image name; replaces the image's Cmd when not empty. */
  readonly command: readonly string[];
  /** `--entrypoint`: undefined keeps the image's, [] clears it. */
  readonly entrypoint?: readonly string[];
  readonly name?: string;
  readonly hostname?: string;
  /** `KEY=VALUE`, in order; `--env-file` first. Names without value were resolved from the caller's environment. */
  readonly env: readonly string[];
  readonly unsetEnv: readonly string[];
  readonly unsetAllEnv: boolean;
  readonly workdir?: string;
  /** `-u`: `name|uid[:group|gid]`, resolved against the image's /etc/passwd at start. */
  readonly user?: string;
  readonly groupAdd: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly remove: boolean;
  readonly detachKeys: string;
  readonly sigProxy: boolean;
  readonly init: boolean;
  readonly readOnly: boolean;
  readonly readOnlyTmpfs: boolean;
  readonly mounts: readonly MountRequest[];
  /** `CONTAINER[:ro]`: its mounts, too. */
  readonly volumesFrom: readonly string[];
  /** What becomes of the image's volumes; absent: anonymous volumes. */
  readonly imageVolumes?: 'tmpfs' | 'ignore';
  /** Of volumes that are made for this container. */
  readonly volumeDriver?: string;
  readonly network: NetworkRequest;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `name:ip`, ip may be `host-gateway`. */
  readonly addHosts: readonly string[];
  readonly noHosts: boolean;
  readonly publish: readonly PortRequest[];
  /** `-P`: publish what the image exposes on free host ports. */
  readonly publishAll: boolean;
  /** `--expose`, as an image names ports: `80/tcp`. */
  readonly expose?: readonly string[];
  /** `--hosts-file`: what /etc/hosts begins with: a path, `none`, or `image`; absent: the host's. */
  readonly hostsFile?: string;
  readonly security: SecurityRequest;
  readonly devices: readonly DeviceRequest[];
  readonly ulimits: readonly UlimitRequest[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly shmSizeBytes: number;
  readonly stopSignal?: string;
  readonly stopTimeoutMs: number;
  readonly restart: RestartPolicy;
  /** `--timeout`: it is killed after this time; 0: never. */
  readonly timeoutMs: number;
  /** `--replace`: a container that has the name is removed first. */
  readonly replace: boolean;
  /** `--requires`: containers (names or IDs) that are started before it. */
  readonly requires: readonly string[];
  /** `--rmi`: the image goes with the container when nothing else uses it. */
  readonly removeImage: boolean;
  readonly umask: number;
  readonly pull: 'missing' | 'always' | 'never' | 'newer';
  readonly platform?: string;
  /** Undefined: as registries.conf says. */
  readonly tlsVerify?: boolean;
  readonly authFile?: string;
  readonly quiet: boolean;
  readonly cidFile?: string;
  readonly pidFile?: string;
  readonly oomScoreAdj?: number;
  readonly logging: LogRequest;
  readonly health: HealthRequest;
  /** What the user should know although the request is good: flags without effect here. One line each. */
  readonly notices: readonly string[];
}

/** podman-run(1) --restart. */
export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** With `on-failure`: how often; 0 is without end. */
  readonly maxRetries: number;
}

export type NetworkRequest =
  | { readonly mode: 'none' | 'host' | 'private' }
  | { readonly mode: 'pasta'; readonly options: readonly string[] }
  | { readonly mode: 'slirp4netns'; readonly options: readonly string[] }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'ns'; readonly path: string }
  | { readonly mode: 'bridge'; readonly networks: readonly NetworkAttachment[] }
  | { readonly mode: 'default' };

/** One named network (`bridge` is the default one), with its `ip=…`, `mac=…`, `alias=…` words. */
export interface NetworkAttachment {
  readonly name: string;
  readonly options: readonly string[];
}

export interface MountRequest {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'ramfs' | 'devpts' | 'image';
  /** Host path (absolute), volume name (absent: anonymous), image reference. */
  readonly source?: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
  /** Mount options in mount(8) words: nosuid, nodev, noexec, rprivate, size=…, mode=…, U, O, z, Z, copy, nocopy. */
  readonly options: readonly string[];
  /** A directory or file inside the volume or image, without leading slash. */
  readonly subpath?: string;
  /** For a volume that does not exist yet: its driver and `--opt`. */
  readonly volumeDriver?: string;
  readonly volumeOptions?: Readonly<Record<string, string>>;
}

export interface PortRequest {
  /** Without brackets; absent: all addresses. */
  readonly hostIp?: string;
  /** 0: choose a free one. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface SecurityRequest {
  readonly privileged: boolean;
  /** `CAP_…` names in upper case with prefix, or `ALL`. */
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  /** `unconfined`, a path to a profile, or undefined: the default profile. */
  readonly seccomp?: string;
  readonly mask: readonly string[];
  /** Paths, or `ALL`. */
  readonly unmask: readonly string[];
  /** More options for the mount of /proc: `hidepid=2`. */
  readonly procOptions: readonly string[];
}

export interface DeviceRequest {
  readonly hostPath: string;
  readonly containerPath: string;
  /** A subset of `rwm`. */
  readonly permissions: string;
}

export interface UlimitRequest {
  /** As in setrlimit(2) without RLIMIT_, lower case: `nofile`. */
  readonly name: string;
  /** -1: unlimited. The name `host` keeps all limits of the caller. */
  readonly soft: number;
  readonly hard: number;
}

/** `framed` is ctr's own: every byte with its time, rotated. The others are Podman's and Docker's. */
export const logDrivers = ['framed', 'json-file', 'k8s-file', 'journald', 'none', 'passthrough'] as const;

export interface LogRequest {
  readonly driver: (typeof logDrivers)[number];
  /** 0: no limit. */
  readonly maxBytes: number;
  /** In all, the one being written included. */
  readonly maxFiles: number;
  /** Of json-file and k8s-file; absolute. */
  readonly path?: string;
  readonly tag?: string;
}

export const healthActions = ['none', 'kill', 'restart', 'stop'] as const;

/** `--health-*`: what is absent comes from the image, then from Docker's defaults (engine/healthcheck.ts). */
export interface HealthRequest {
  /** No check, whatever the image says. */
  readonly isOff: boolean;
  /** `CMD-SHELL` and a command line, or `CMD` and words. */
  readonly test?: readonly string[];
  /** 0: nothing checks by itself. */
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
  readonly onFailure: (typeof healthActions)[number];
  /** Asked until it has passed; the check itself begins then. */
  readonly startup?: StartupCheck;
  /** How many results are kept; 0: all. */
  readonly logCount?: number;
  /** How many bytes of a check's output; 0: all. */
  readonly logBytes?: number;
  /** Where a copy of the results goes; absolute. */
  readonly logDirectory?: string;
}

/** podman-run(1) --health-startup-cmd. */
export interface StartupCheck {
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many failures restart the container; 0: never. */
  readonly retries: number;
  /** So many passes in a row end it. */
  readonly successes: number;
}
