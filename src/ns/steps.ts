/**
 * What the container's first process does between clone and exec, as values: one kind per step, in the words of the man
 * pages. plan.ts makes the list, compile.ts turns it into system calls, explain.ts prints it. `mount` fields are names:
 * a mount is made detached under a name while the host is still in sight, and attached later inside the container.
 */
import type { RuntimeCapabilities } from '../oci/runtime.ts';

/** MOUNT_ATTR_* words and propagation, in mount(8) words: ro, nosuid, nodev, noexec, rprivate … */
export type MountAttributes = readonly string[];

export type Step =
  /** Wait until ctr has written the id maps and prepared the network. user_namespaces(7) */
  | { readonly kind: 'wait-for-maps' }
  /** setns(2) into a namespace that exists. */
  | { readonly kind: 'join-namespace'; readonly type: string; readonly path: string }
  /** A new cgroup namespace, once the process is in its cgroup: that is its root then. unshare(2) */
  | { readonly kind: 'new-namespace'; readonly type: 'cgroup' }
  /** Give a file of ours to a user of the container. */
  | {
      readonly kind: 'set-owner';
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
  /** Pipes that are stdio belong to this user, who may then open /dev/stdout. fchown(2) */
  | { readonly kind: 'own-stdio'; readonly uid: number }
  | { readonly kind: 'append-file'; readonly path: string; readonly text: string }
  /** Stay behind as the init that reaps and forwards signals; what follows is done by its child. */
  | { readonly kind: 'reaper'; readonly terminal: boolean }
  | { readonly kind: 'personality'; readonly domain: 'LINUX' | 'LINUX32' }
  /** Become uid and gid 0 of the new user namespace. credentials(7) */
  | { readonly kind: 'become-root'; readonly clearGroups: boolean }
  /** Mounts made here never reach the host. mount_namespaces(7) */
  | { readonly kind: 'propagation'; readonly propagation: string }
  /** The overlay, mounted at `target`; relative layer names are below `cwd`. overlayfs, "userxattr" */
  | {
      readonly kind: 'overlay';
      readonly cwd: string;
      readonly options: string;
      readonly target: string;
      readonly layers: number;
    }
  /**
   * A FUSE file system at `target` whose server is the program that is executed next, with the connection as its
   * descriptor 3. The server then has mounts of its own, without `target`: it keeps nobody's alive. fuse(4)
   */
  | { readonly kind: 'fuse'; readonly target: string; readonly name: string }
  /** A directory as the root: a bind mount of itself, because pivot_root wants a mount. */
  | { readonly kind: 'bind-root'; readonly source: string; readonly target: string }
  /** A detached copy of a host mount. open_tree(2) */
  | {
      readonly kind: 'clone-tree';
      /** The mount namespace that it is taken from, as a path; the own one when absent. */
      readonly namespace?: string;
      readonly mount: string;
      readonly source: string;
      /** Below `source`, whose symlinks cannot lead out of it. openat2(2) RESOLVE_IN_ROOT */
      readonly subpath?: string;
      readonly recursive: boolean;
      readonly attributes: MountAttributes;
    }
  /** A new file system, detached. fsopen(2), fsmount(2) */
  | {
      readonly kind: 'new-filesystem';
      readonly mount: string;
      readonly type: string;
      readonly options: readonly string[];
      readonly attributes: MountAttributes;
    }
  | { readonly kind: 'unmount'; readonly path: string }
  /** From here on every path is the container's own: the host's tree is gone. pivot_root(2) NOTES */
  | { readonly kind: 'pivot-root'; readonly root: string }
  /** With its parents; one that exists is left alone. */
  | { readonly kind: 'make-directory'; readonly path: string; readonly mode: number }
  /** An empty file as a mount point; one that exists is left alone. */
  | { readonly kind: 'make-file'; readonly path: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  /** Attach a detached mount. A final symlink is followed inside the container for user mounts only. move_mount(2) */
  | { readonly kind: 'attach'; readonly mount: string; readonly path: string; readonly followSymlink: boolean }
  /** Hide a path: /dev/null over a file, an empty read-only tmpfs over a directory. runtime-spec "Masked Paths" */
  | { readonly kind: 'mask'; readonly path: string }
  /** Make a path read-only, with what is mounted below. runtime-spec "Readonly Paths" */
  | { readonly kind: 'read-only'; readonly path: string }
  /** Write a file that the kernel provides (sysctl, oom_score_adj). proc(5) */
  | { readonly kind: 'write-file'; readonly path: string; readonly text: string }
  /** Set interface lo up. netdevice(7) */
  | { readonly kind: 'loopback-up' }
  | { readonly kind: 'hostname'; readonly name: string; readonly domain: boolean }
  /** A new session with a pseudo-terminal of the container's own devpts as stdio. pty(7), devpts */
  | {
      readonly kind: 'terminal';
      readonly rows: number;
      readonly columns: number;
      readonly uid: number;
      readonly gid: number;
      /** It is /dev/console as well: the container's own terminal, not one that `exec` adds. */
      readonly console: boolean;
    }
  /** A new session without a terminal. setsid(2) */
  | { readonly kind: 'session' }
  | { readonly kind: 'rlimit'; readonly name: string; readonly soft: number; readonly hard: number }
  | { readonly kind: 'umask'; readonly mask: number }
  /** The bounding set: nothing below can get more. capabilities(7) */
  | { readonly kind: 'bounding-set'; readonly keep: readonly string[] }
  | {
      readonly kind: 'user';
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
      readonly keepGroups: boolean;
    }
  | { readonly kind: 'capabilities'; readonly sets: RuntimeCapabilities }
  | { readonly kind: 'no-new-privileges' }
  /** seccomp(2) SECCOMP_SET_MODE_FILTER; `filter` is an array of struct sock_filter. */
  | { readonly kind: 'seccomp'; readonly filter: Uint8Array }
  | { readonly kind: 'chdir'; readonly path: string }
  /** Default signal dispositions, empty mask. signal(7): ignored signals survive execve */
  | { readonly kind: 'reset-signals' }
  /** Close every descriptor but stdio and the `preserve` ones that follow it. */
  | { readonly kind: 'close-descriptors'; readonly preserve: number }
  /** execve(2); a name without a slash is looked for in PATH, as execvp(3) does. */
  | { readonly kind: 'exec'; readonly args: readonly string[]; readonly env: readonly string[] };

export type StepKind = Step['kind'];

/** The manual page or chapter that defines a step. */
export const stepSource: Readonly<Record<StepKind, string>> = {
  'wait-for-maps': 'user_namespaces(7)',
  'join-namespace': 'setns(2)',
  'new-namespace': 'unshare(2), cgroup_namespaces(7)',
  'set-owner': 'chown(2)',
  'own-stdio': 'fchown(2)',
  'append-file': 'write(2) O_APPEND',
  reaper: 'wait(2), sigtimedwait(2)',
  personality: 'personality(2)',
  'become-root': 'credentials(7)',
  propagation: 'mount_namespaces(7)',
  overlay: 'overlayfs, userxattr',
  fuse: 'fuse(4)',
  'bind-root': 'mount(2) MS_BIND',
  'clone-tree': 'open_tree(2)',
  'new-filesystem': 'fsopen(2)',
  unmount: 'umount2(2) MNT_DETACH',
  'pivot-root': 'pivot_root(2) NOTES',
  'make-directory': 'mkdir(2)',
  'make-file': 'open(2)',
  symlink: 'symlink(2)',
  attach: 'move_mount(2)',
  mask: 'runtime-spec config-linux.md "Masked Paths"',
  'read-only': 'mount_setattr(2)',
  'write-file': 'proc(5)',
  'loopback-up': 'netdevice(7)',
  hostname: 'sethostname(2)',
  terminal: 'pty(7)',
  session: 'setsid(2)',
  rlimit: 'getrlimit(2)',
  umask: 'umask(2)',
  'bounding-set': 'capabilities(7)',
  user: 'setresuid(2)',
  capabilities: 'capabilities(7)',
  'no-new-privileges': 'prctl(2) PR_SET_NO_NEW_PRIVS',
  seccomp: 'seccomp(2)',
  chdir: 'chdir(2)',
  'reset-signals': 'signal(7)',
  'close-descriptors': 'close_range(2)',
  exec: 'execve(2)',
};

/** A step as one line of text: what it does, without its name. */
export function describeStep(step: Step): string {
  const attributes = (words: MountAttributes) => (words.length > 0 ? ` (${words.join(',')})` : '');
  switch (step.kind) {
    case 'wait-for-maps':
      return 'until ctr has written uid_map and gid_map';
    case 'join-namespace':
      return `${step.type} ← ${step.path}`;
    case 'new-namespace':
      return step.type;
    case 'set-owner':
      return `${step.path} to ${step.uid}:${step.gid}, ${step.mode.toString(8)}`;
    case 'own-stdio':
      return `pipes to uid ${step.uid}`;
    case 'append-file':
      return `${step.path} ← one line`;
    case 'reaper':
      return 'pid 1 reaps and forwards signals, the command is its child';
    case 'personality':
      return step.domain;
    case 'become-root':
      return step.clearGroups ? 'uid 0, gid 0, no supplementary groups' : 'uid 0, gid 0';
    case 'propagation':
      return `/ ${step.propagation}, recursive`;
    case 'overlay':
      return `${step.target} ← ${step.layers} ${step.layers === 1 ? 'layer' : 'layers'} + upper`;
    case 'fuse':
      return `${step.target} ← ${step.name}`;
    case 'bind-root':
      return `${step.target} ← ${step.source}`;
    case 'clone-tree':
      return `${step.mount} ← ${step.source}${step.subpath === undefined ? '' : `/${step.subpath}`}${attributes(step.attributes)}`;
    case 'new-filesystem':
      return `${step.mount} ← ${step.type}${attributes([...step.options, ...step.attributes])}`;
    case 'pivot-root':
      return `${step.root} becomes /, the old root is detached`;
    case 'make-directory':
    case 'make-file':
    case 'unmount':
    case 'mask':
    case 'read-only':
    case 'chdir':
      return step.path;
    case 'symlink':
      return `${step.path} → ${step.target}`;
    case 'attach':
      return `${step.mount} on ${step.path}`;
    case 'write-file':
      return `${step.path} ← ${step.text}`;
    case 'loopback-up':
      return 'lo';
    case 'hostname':
      return step.name;
    case 'terminal':
      return `${step.console ? '/dev/pts/0, ' : ''}${step.columns}x${step.rows}`;
    case 'session':
      return 'a new session';
    case 'rlimit':
      return `${step.name} ${step.soft}:${step.hard}`;
    case 'umask':
      return step.mask.toString(8).padStart(4, '0');
    case 'bounding-set':
      return `keep ${step.keep.length}: ${step.keep.join(' ')}`;
    case 'user':
      return `uid ${step.uid}, gid ${step.gid}${step.groups.length > 0 ? `, groups ${step.groups.join(',')}` : ''}`;
    case 'capabilities':
      return `effective ${step.sets.effective.length}, permitted ${step.sets.permitted.length}, ambient ${step.sets.ambient.length}`;
    case 'no-new-privileges':
      return 'execve never gains privileges';
    case 'seccomp':
      return `${step.filter.length / 8} instructions`;
    case 'reset-signals':
      return 'all default, none blocked';
    case 'close-descriptors':
      return `all but stdio${step.preserve > 0 ? ` and ${step.preserve} more` : ''}`;
    case 'exec':
      return step.args.join(' ');
  }
}
