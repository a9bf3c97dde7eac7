/**
 * OCI runtime config + root → the steps of the container's first process: pure, printed by `ctr run --explain`, fixed by
 * golden tests. Reading order is execution order; what a step relies on stands above it.
 */

import { CLONE } from '../linux/constants.ts';
import { ownershipFilter } from '../linux/ownership-filter.ts';
import type { NamespaceType, RuntimeConfig, RuntimeMount, RuntimeProcess } from '../oci/runtime.ts';
import type { Step } from './steps.ts';

/** How the root file system comes to be. */
export type RootPlan =
  /** Relative layer directories below `cwd`; `options` is overlay's option string. */
  | { readonly kind: 'overlay'; readonly cwd: string; readonly options: string; readonly layers: number }
  | { readonly kind: 'directory'; readonly source: string };

/**
 * An overlay for a container in which the caller has no id: root mounts it, who cannot walk the caller's directories.
 * `own` has upper/ and work/, `lower` are layers, uppermost first.
 */
export interface CarriedRootPlan {
  readonly kind: 'carried-overlay';
  readonly own: string;
  readonly lower: readonly string[];
}

export interface PlanRequest {
  readonly config: RuntimeConfig;
  readonly root: RootPlan | CarriedRootPlan;
  /** Host directory on which the root is mounted, in the container's mount namespace only. */
  readonly rootMount: string;
  /** Whether a bind mount's source is a directory (its mount point has to be one, too). */
  readonly isDirectory: (hostPath: string, subpath: string | undefined) => boolean;
  readonly seccompFilter?: Uint8Array | undefined;
  /** setgroups(2) is denied in a user namespace with a single id, user_namespaces(7). */
  readonly canSetGroups: boolean;
  /** With a single id nothing can be chowned: such calls succeed without effect (linux/ownership-filter.ts). */
  readonly pretendsOwners?: boolean;
  /** Descriptors 3, 4, … that the command keeps. */
  readonly preserveFds: number;
  /**
   * The caller is not the container's root: what lies in the caller's directories is gathered before root is taken.
   * user_namespaces(7): root there has no rights over a directory whose group is not mapped.
   */
  readonly isRootOther?: boolean;
  /** False: no id of the user namespace is 0 (a single id that is another). */
  readonly hasRoot?: boolean;
  /** Files of ours that are bound into the container and belong to a user of it. */
  readonly owners?: ReadonlyArray<{ path: string; uid: number; gid: number; mode: number }>;
  /** Lines for files of the container, after its root is in place. */
  readonly appends?: ReadonlyArray<{ path: string; text: string }>;
  /** An init of ours is process 1. */
  readonly reaper?: boolean;
  readonly personality?: 'LINUX' | 'LINUX32' | undefined;
}

export interface Plan {
  /** Paths in /proc of namespaces to be in before the first process is cloned: its user and pid namespace. */
  readonly join?: { readonly user: string; readonly pid?: string | undefined } | undefined;
  /** CLONE_NEW* flags of the namespaces to make. */
  readonly cloneFlags: number;
  /** Made when it is asked for: the kernel makes the namespaces meanwhile. */
  readonly steps: () => readonly Step[];
}

const cloneFlag: Readonly<Record<NamespaceType, number>> = {
  user: CLONE.NEWUSER,
  mount: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  network: CLONE.NEWNET,
  cgroup: CLONE.NEWCGROUP,
  time: 0,
};

export function planContainer(request: PlanRequest): Plan {
  const { namespaces } = request.config.linux;
  // A cgroup namespace begins where its maker is: it is made later, when the process is in its cgroup.
  const made = namespaces.filter(({ type, path }) => path === undefined && type !== 'cgroup');
  return {
    ...joinBefore(request.config),
    cloneFlags: made.reduce((flags, { type }) => flags | cloneFlag[type], 0),
    steps: () => planSteps(request),
  };
}

function planSteps(request: PlanRequest): Step[] {
  const asRoot: Step = { kind: 'become-root', clearGroups: canClearGroups(request) };
  const { isRootOther = false, hasRoot = true } = request;
  return [
    { kind: 'wait-for-maps' },
    ...(isRootOther ? [] : [asRoot]),
    ...(request.owners ?? []).map((owner): Step => ({ kind: 'set-owner', ...owner })),
    ...joinNamespaces(request.config),
    ...gatherMounts(request),
    ...enterRoot(request),
    ...(isRootOther && hasRoot ? [asRoot] : []),
    ...attachMounts(request),
    ...(request.appends ?? []).map((append): Step => ({ kind: 'append-file', ...append })),
    ...protect(request.config),
    ...identify(request.config),
    ...planProcess({
      ...request,
      canSetGroups: canClearGroups(request),
      process: request.config.process,
      isFirst: true,
    }),
  ];
}

export interface ProcessPlanRequest
  extends Pick<
    PlanRequest,
    'seccompFilter' | 'canSetGroups' | 'pretendsOwners' | 'preserveFds' | 'reaper' | 'personality'
  > {
  readonly process: RuntimeProcess;
  /** The container's first process: its terminal is /dev/console, too. */
  readonly isFirst: boolean;
}

/** From root in the finished container to the command: what `run` and `exec` do alike. */
export function planProcess(request: ProcessPlanRequest): Step[] {
  return [
    ...limits(request),
    ...ownStdio(request),
    ...(request.personality ? [{ kind: 'personality', domain: request.personality } as const] : []),
    ...becomeUser(request),
    ...(request.reaper ? [{ kind: 'reaper', terminal: request.process.terminal } as const] : []),
    { kind: 'reset-signals' },
    { kind: 'close-descriptors', preserve: request.preserveFds },
    { kind: 'exec', args: request.process.args, env: request.process.env },
  ];
}

/** `exec` does it with the pipes that it makes. */
function ownStdio({ process: { user, terminal }, isFirst }: ProcessPlanRequest): Step[] {
  return isFirst && !terminal && user.uid !== 0 ? [{ kind: 'own-stdio', uid: user.uid }] : [];
}

/** crun's annotation for --group-add keep-groups. */
const keepsGroups = ({ annotations }: RuntimeConfig) => annotations?.['run.oci.keep_original_groups'] === '1';
const canClearGroups = ({ config, canSetGroups }: PlanRequest) => canSetGroups && !keepsGroups(config);

/** Only a child can be in another pid namespace, and only the user namespace gives the right to join the others. */
function joinBefore({ linux }: RuntimeConfig): Pick<Plan, 'join'> {
  const pathOf = (wanted: NamespaceType) => linux.namespaces.find(({ type }) => type === wanted)?.path;
  const user = pathOf('user');
  return user === undefined ? {} : { join: { user, pid: pathOf('pid') } };
}

/** User and pid namespace are joined before the clone; the mount namespace is always the container's own. */
function joinNamespaces(config: RuntimeConfig): Step[] {
  return config.linux.namespaces.flatMap(({ type, path }): Step[] => {
    if (type === 'cgroup' && path === undefined) return [{ kind: 'new-namespace', type }];
    if (path === undefined || type === 'user' || type === 'pid') return [];
    return [{ kind: 'join-namespace', type, path }];
  });
}

const attributeWords = new Set([
  ...['ro', 'rw', 'nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec', 'noatime', 'atime', 'relatime', 'norelatime'],
  ...['strictatime', 'nodiratime', 'diratime', 'private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'],
  ...['unbindable', 'runbindable', 'bind', 'rbind'],
]);
/** Words for tools above the kernel: they are acted on before a config gets here. */
const handledElsewhere = new Set(['tmpcopyup', 'notmpcopyup', 'z', 'Z', 'U', 'me', 'copy', 'nocopy', 'newinstance']);

/** Option words of ours: what is mounted is below the source or the overlay; where an overlay's relative names begin. */
const wordValue = ({ options }: RuntimeMount, key: 'subpath' | 'cwd' | 'mntns') =>
  options.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);

const isBind = ({ type, options }: RuntimeMount) =>
  type === 'bind' || options.includes('bind') || options.includes('rbind');
const mountName = (index: number, { destination }: RuntimeMount) => `${index}:${destination}`;

/** While the host's tree is in sight: proc and sysfs can only be mounted where another one is fully visible. */
function gatherMounts({ config, rootMount, isRootOther }: PlanRequest): Step[] {
  const mounts = config.mounts.flatMap((mount, index): Step[] => {
    const attributes = mount.options.filter((word) => attributeWords.has(word) && word !== 'bind' && word !== 'rbind');
    const subpath = wordValue(mount, 'subpath');
    const below = subpath === undefined ? {} : { subpath };
    const name = mountName(index, mount);
    if (isBind(mount)) {
      const recursive = mount.options.includes('rbind');
      const mntns = wordValue(mount, 'mntns');
      const elsewhere = mntns === undefined ? {} : { namespace: mntns };
      return [{ kind: 'clone-tree', mount: name, source: mount.source, ...below, ...elsewhere, recursive, attributes }];
    }
    const options = mount.options.filter(
      (word) => !attributeWords.has(word) && !handledElsewhere.has(word) && !/^(subpath|cwd|mntns)=/.test(word),
    );
    if (mount.type === 'overlay') {
      const tree: Step = { kind: 'clone-tree', mount: name, source: rootMount, ...below, recursive: false, attributes };
      return overlaidTree(tree, { cwd: wordValue(mount, 'cwd') ?? '/', options: options.join(','), target: rootMount });
    }
    // "cgroup" in a runtime configuration is whichever version the host has; only v2 can be mounted without root.
    const type = mount.type === 'cgroup' ? 'cgroup2' : mount.type;
    // Its root directory belongs to whoever mounts it.
    const owned = isRootOther && type === 'tmpfs' ? [...ofRoot(options), ...options] : options;
    return [{ kind: 'new-filesystem', mount: name, type, options: owned, attributes }];
  });
  const devices = config.linux.devices.map(
    ({ path, hostPath }): Step => ({
      kind: 'clone-tree',
      mount: path,
      source: hostPath,
      recursive: false,
      attributes: ['nosuid', 'noexec'],
    }),
  );
  return [{ kind: 'propagation', propagation: 'rslave' }, ...mounts, ...devices];
}

const ofRoot = (options: readonly string[]) =>
  ['uid=0', 'gid=0'].filter((word) => !options.some((one) => one.startsWith(word.slice(0, 4))));

/** fsconfig(2) takes values of 255 bytes, mount(2) a page: so it is mounted where the root comes later, and moved on. */
function overlaidTree(tree: Step, overlay: { cwd: string; options: string; target: string }): Step[] {
  const layers = overlay.options.split(':').length;
  return [{ kind: 'overlay', ...overlay, layers }, tree, { kind: 'unmount', path: overlay.target }];
}

function enterRoot(request: PlanRequest): Step[] {
  const { root, rootMount } = request;
  if (root.kind === 'carried-overlay') return enterCarriedRoot(root, request);
  const mount: Step =
    root.kind === 'overlay'
      ? { kind: 'overlay', cwd: root.cwd, options: root.options, target: rootMount, layers: root.layers }
      : { kind: 'bind-root', source: root.source, target: rootMount };
  return [mount, { kind: 'pivot-root', root: rootMount }];
}

/** By way of a root in memory that has the directories of the overlay and nothing else of the host. */
function enterCarriedRoot({ own, lower }: CarriedRootPlan, request: PlanRequest): Step[] {
  const [memory, attributes] = ['overlay directories', []];
  const carried = [...lower.map((source, index) => ({ source, path: `/${index}` })), { source: own, path: '/own' }];
  return [
    { kind: 'new-filesystem', mount: memory, type: 'tmpfs', options: ['uid=0', 'gid=0', 'mode=0700'], attributes },
    ...carried.map(
      ({ source, path }): Step => ({ kind: 'clone-tree', mount: `root ${path}`, source, recursive: false, attributes }),
    ),
    { kind: 'attach', mount: memory, path: request.rootMount, followSymlink: false },
    { kind: 'pivot-root', root: request.rootMount },
    { kind: 'become-root', clearGroups: canClearGroups(request) },
    ...carried.flatMap(({ path }): Step[] => [
      { kind: 'make-directory', path, mode: 0o700 },
      { kind: 'attach', mount: `root ${path}`, path, followSymlink: false },
    ]),
    { kind: 'make-directory', path: '/root', mode: 0o700 },
    {
      kind: 'overlay',
      cwd: '/',
      options: `lowerdir=${lower.map((_, index) => index).join(':')},upperdir=own/upper,workdir=own/work,userxattr`,
      target: '/root',
      layers: lower.length,
    },
    { kind: 'pivot-root', root: '/root' },
  ];
}

function attachMounts({ config, isDirectory }: PlanRequest): Step[] {
  const mounts = config.mounts.flatMap((mount, index): Step[] => {
    const path = mount.destination;
    const file = isBind(mount) && !isDirectory(mount.source, wordValue(mount, 'subpath'));
    // The kernel's own places are never behind a symlink: an image that makes /proc one is refused (ENOTDIR).
    const followSymlink = isBind(mount);
    return [
      file ? { kind: 'make-file', path } : { kind: 'make-directory', path, mode: 0o755 },
      { kind: 'attach', mount: mountName(index, mount), path, followSymlink },
      ...(path === '/dev' && !isBind(mount) ? devices(config) : []),
    ];
  });
  // A /dev that is bound has its own device nodes and links, and is the host's: nothing is made in it.
  const hasDev = config.mounts.some(({ destination }) => destination === '/dev');
  return hasDev ? mounts : [...mounts, ...devices(config)];
}

/** Device nodes are the host's own, bound: mknod is refused in a user namespace. runtime-spec "Default Devices" */
function devices(config: RuntimeConfig): Step[] {
  const links = [
    ['/proc/self/fd', '/dev/fd'],
    ['/proc/self/fd/0', '/dev/stdin'],
    ['/proc/self/fd/1', '/dev/stdout'],
    ['/proc/self/fd/2', '/dev/stderr'],
    ['/proc/kcore', '/dev/core'],
    ['pts/ptmx', '/dev/ptmx'],
  ] as const;
  return [
    ...config.linux.devices.flatMap(({ path }): Step[] => [
      { kind: 'make-file', path },
      { kind: 'attach', mount: path, path, followSymlink: false },
    ]),
    ...links.map(([target, path]): Step => ({ kind: 'symlink', target, path })),
  ];
}

/** Sysctls before /proc/sys turns read-only; the working directory before the root does. */
function protect({ linux, root, process }: RuntimeConfig): Step[] {
  return [
    ...(linux.namespaces.some(({ type, path }) => type === 'network' && path === undefined)
      ? [{ kind: 'loopback-up' } as const]
      : []),
    ...Object.entries(linux.sysctl).map(
      ([name, text]): Step => ({ kind: 'write-file', path: `/proc/sys/${name.replaceAll('.', '/')}`, text }),
    ),
    ...linux.readonlyPaths.map((path): Step => ({ kind: 'read-only', path })),
    ...linux.maskedPaths.map((path): Step => ({ kind: 'mask', path })),
    { kind: 'make-directory', path: process.cwd, mode: 0o755 },
    ...(root.readonly ? [{ kind: 'read-only', path: '/' } as const] : []),
  ];
}

function identify({ hostname, domainname }: RuntimeConfig): Step[] {
  return [
    ...(hostname === undefined ? [] : [{ kind: 'hostname', name: hostname, domain: false } as const]),
    ...(domainname === undefined ? [] : [{ kind: 'hostname', name: domainname, domain: true } as const]),
  ];
}

function limits({ process, isFirst }: ProcessPlanRequest): Step[] {
  const { oomScoreAdj, rlimits, terminal, consoleSize, user } = process;
  return [
    ...rlimits.map(({ type, soft, hard }): Step => {
      return { kind: 'rlimit', name: type.replace('RLIMIT_', '').toLowerCase(), soft, hard };
    }),
    ...(oomScoreAdj === undefined
      ? []
      : [{ kind: 'write-file', path: '/proc/self/oom_score_adj', text: String(oomScoreAdj) } as const]),
    terminal
      ? {
          kind: 'terminal',
          rows: consoleSize?.height ?? 24,
          columns: consoleSize?.width ?? 80,
          uid: user.uid,
          gid: user.gid,
          console: isFirst,
        }
      : { kind: 'session' },
    { kind: 'umask', mask: user.umask },
  ];
}

/** seccomp(2) needs no_new_privs or CAP_SYS_ADMIN: it goes in last, or just before the capabilities are dropped. */
function becomeUser({ process, seccompFilter, canSetGroups, pretendsOwners }: ProcessPlanRequest): Step[] {
  const { user, capabilities, noNewPrivileges, cwd } = process;
  const seccomp: Step[] = seccompFilter ? [{ kind: 'seccomp', filter: seccompFilter }] : [];
  // After the real change of user, which has to fail where it cannot be.
  const pretend: Step[] = pretendsOwners ? [{ kind: 'seccomp', filter: ownershipFilter() }] : [];
  return [
    { kind: 'chdir', path: cwd },
    { kind: 'bounding-set', keep: capabilities.bounding },
    ...(noNewPrivileges ? [] : seccomp),
    { kind: 'user', uid: user.uid, gid: user.gid, groups: user.additionalGids, keepGroups: !canSetGroups },
    ...(noNewPrivileges ? [] : pretend),
    { kind: 'capabilities', sets: capabilities },
    ...(noNewPrivileges ? [{ kind: 'no-new-privileges' } as const, ...seccomp, ...pretend] : []),
  ];
}
