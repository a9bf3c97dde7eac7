/**
 * The part of a RunRequest that says what a container is limited to and separated from, with the checks for reading it
 * back (stored-request.ts). All members are optional: absent is the default.
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

export interface SandboxRequest {
  readonly limits?: LimitsRequest;
  readonly namespaces?: NamespacesRequest;
  readonly userns?: UsernsRequest;
  readonly secrets?: readonly SecretRequest[];
  readonly domainname?: string;
  /** An IANA name, or `local` (podman-run(1) --tz). */
  readonly timezone?: string;
  /** `--passwd=false`: /etc/passwd and /etc/group stay as the image has them. */
  readonly keepPasswd?: boolean;
  /** Templates of the lines to add, with $USERNAME, $UID, $GID, $NAME, $HOME and $GROUPNAME. */
  readonly passwdEntry?: string;
  readonly groupEntry?: string;
  /** How many of the caller's descriptors from 3 on the command gets. */
  readonly preserveFds?: number;
  /** personality(2) domain: LINUX or LINUX32. */
  readonly personality?: 'LINUX' | 'LINUX32';
  /** `NAME=text ${OTHER}` of the defaults and the image. */
  readonly envMerge?: readonly string[];
  /** Directories of the container that get /etc/hosts, hostname and resolv.conf as its root does. */
  readonly chrootDirs?: readonly string[];
  /** Users of the host, by name or number, who get their line of /etc/passwd. */
  readonly hostUsers?: readonly string[];
  /** What the caller is attached to; absent: everything. */
  readonly attach?: readonly AttachedStream[];
  /** Whose readiness systemd is told of; absent: as Podman does, the container's own. */
  readonly sdNotify?: SdNotifyMode;
}

export const attachedStreams = ['stdin', 'stdout', 'stderr'] as const;
export type AttachedStream = (typeof attachedStreams)[number];

/** podman-run(1) --sdnotify. */
export const sdNotifyModes = ['container', 'conmon', 'healthy', 'ignore'] as const;
export type SdNotifyMode = (typeof sdNotifyModes)[number];

/** Control group settings; sizes in bytes, -1 is unlimited. */
export interface LimitsRequest {
  readonly memory?: number;
  /** Memory and swap together, as in Docker. */
  readonly memorySwap?: number;
  readonly memoryReservation?: number;
  /** Microseconds of CPU time per period. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pids?: number;
  readonly blkioWeight?: number;
  readonly deviceLimits?: readonly DeviceLimit[];
  /** `--cgroup-conf`: interface file → content. */
  readonly conf?: Readonly<Record<string, string>>;
  readonly parent?: string;
  readonly mode?: CgroupMode;
  /** A limit that cannot be applied is left out, with a warning. */
  readonly bestEffort?: boolean;
}

export const cgroupModes = ['enabled', 'disabled', 'no-conmon', 'split'] as const;
export type CgroupMode = (typeof cgroupModes)[number];

const deviceLimitKeys = ['rbps', 'wbps', 'riops', 'wiops', 'weight'] as const;

export interface DeviceLimit {
  readonly key: (typeof deviceLimitKeys)[number];
  readonly path: string;
  readonly value: number;
}

/** One namespace that can be shared: `host` is the caller's, `none` (ipc) is private without /dev/shm. */
export type NamespaceMode =
  | { readonly mode: 'private' | 'host' | 'none' }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'ns'; readonly path: string };

export interface NamespacesRequest {
  readonly pid?: NamespaceMode;
  readonly ipc?: NamespaceMode;
  readonly uts?: NamespaceMode;
  readonly cgroup?: NamespaceMode;
}

/** `--userns` (podman-run(1)): which ids the container has, docs/rootless.md "Choosing the ids". */
export type UsernsRequest =
  | { readonly mode: 'host' | 'nomap' }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'keep-id'; readonly uid?: number; readonly gid?: number; readonly exact: boolean }
  | AutoUserns
  | { readonly mode: 'map'; readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] };

/** `auto`: ids that no other container has. */
export interface AutoUserns {
  readonly mode: 'auto';
  /** How many; absent: as many as the image uses. */
  readonly size?: number;
  /** Ids that are mapped as given; the others fill the gaps. */
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
  /** What was chosen when the container was made, and is its own until it is removed. */
  readonly chosen?: IdRanges;
}

export interface IdRanges {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
}

/** A line of --uidmap: `from` counts in the default map (0 is the caller, 1 the first subordinate id). */
export interface IdRange {
  readonly container: number;
  readonly from: number;
  readonly size: number;
}

export interface SecretRequest {
  readonly name: string;
  readonly type: 'mount' | 'env';
  /** The path or the variable. */
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

type Shape<T> = Readonly<Record<keyof T, Check<unknown>>>;

const deviceLimit: Check<DeviceLimit> = object({
  key: literal(...deviceLimitKeys),
  path: string,
  value: natural,
} satisfies Shape<DeviceLimit>);

const limitsRequest: Check<LimitsRequest> = object({
  memory: optional(integer),
  memorySwap: optional(integer),
  memoryReservation: optional(integer),
  cpuQuota: optional(integer),
  cpuPeriod: optional(natural),
  cpuShares: optional(natural),
  cpusetCpus: optional(string),
  cpusetMems: optional(string),
  pids: optional(integer),
  blkioWeight: optional(natural),
  deviceLimits: optional(array(deviceLimit)),
  conf: optional(record(string)),
  parent: optional(string),
  mode: optional(literal(...cgroupModes)),
  bestEffort: optional(boolean),
} satisfies Shape<LimitsRequest>);

const namespaceMode: Check<NamespaceMode> = (value, path) => {
  const { mode } = object({ mode: literal('private', 'host', 'none', 'container', 'ns') })(value, path);
  if (mode === 'container') return { mode, ...object({ container: string })(value, path) };
  return mode === 'ns' ? { mode, ...object({ path: string })(value, path) } : { mode };
};

const namespacesRequest: Check<NamespacesRequest> = object({
  pid: optional(namespaceMode),
  ipc: optional(namespaceMode),
  uts: optional(namespaceMode),
  cgroup: optional(namespaceMode),
} satisfies Shape<NamespacesRequest>);

const idRanges: Check<readonly IdRange[]> = array(object({ container: natural, from: natural, size: natural }));

const bothRanges = { uid: idRanges, gid: idRanges };

const usernsRequest: Check<UsernsRequest> = (value, path) => {
  const { mode } = object({ mode: literal('host', 'nomap', 'container', 'keep-id', 'auto', 'map') })(value, path);
  switch (mode) {
    case 'container':
      return { mode, ...object({ container: string })(value, path) };
    case 'keep-id':
      return { mode, ...object({ uid: optional(natural), gid: optional(natural), exact: boolean })(value, path) };
    case 'auto':
      return {
        mode,
        ...object({ size: optional(natural), ...bothRanges, chosen: optional(object(bothRanges)) })(value, path),
      };
    case 'map':
      return { mode, ...object(bothRanges)(value, path) };
    default:
      return { mode };
  }
};

const secretRequest: Check<SecretRequest> = object({
  name: string,
  type: literal('mount', 'env'),
  target: string,
  uid: natural,
  gid: natural,
  mode: natural,
} satisfies Shape<SecretRequest>);

/** The members of SandboxRequest for the check of a stored RunRequest. */
export const sandboxShape = {
  limits: optional(limitsRequest),
  namespaces: optional(namespacesRequest),
  userns: optional(usernsRequest),
  secrets: optional(array(secretRequest)),
  domainname: optional(string),
  timezone: optional(string),
  keepPasswd: optional(boolean),
  passwdEntry: optional(string),
  groupEntry: optional(string),
  preserveFds: optional(natural),
  personality: optional(literal('LINUX', 'LINUX32')),
  envMerge: optional(array(string)),
  chrootDirs: optional(array(string)),
  hostUsers: optional(array(string)),
  attach: optional(array(literal(...attachedStreams))),
  sdNotify: optional(literal(...sdNotifyModes)),
} satisfies Shape<SandboxRequest>;
