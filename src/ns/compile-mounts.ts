/**
 * The steps that build the container's file system. Everything that comes from the host is taken as a detached mount
 * before pivot_root and attached after it, so that a path of the image is only ever resolved inside the image.
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE,
  ERRNO,
  FSCONFIG,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  O,
  OPEN_TREE_CLONE,
  RESOLVE,
  S_IFREG,
} from '../linux/constants.ts';
import type { CallOptions, DataRef, Operand, Program, Variable } from '../linux/program.ts';
import type { MountAttributes, Step } from './steps.ts';

const mountKinds = [
  'propagation',
  'overlay',
  'fuse',
  'bind-root',
  'clone-tree',
  'new-filesystem',
  'unmount',
  'pivot-root',
  'make-directory',
  'make-file',
  'symlink',
  'attach',
  'mask',
  'read-only',
] as const;
type MountStep = Extract<Step, { kind: (typeof mountKinds)[number] }>;

export function isMountStep(step: Step): step is MountStep {
  return mountKinds.some((kind) => kind === step.kind);
}

export function compileMountStep(program: Program, step: MountStep, mounts: Map<string, Variable>): void {
  switch (step.kind) {
    case 'propagation': {
      const flag = propagationFlags[step.propagation] ?? MS.SLAVE;
      return program.call('mount', [program.text('none'), program.text('/'), 0, MS.REC | flag, 0]);
    }
    case 'overlay':
      program.call('chdir', [program.text(step.cwd)]);
      return program.call('mount', [
        program.text('overlay'),
        program.text(step.target),
        program.text('overlay'),
        0,
        program.text(step.options),
      ]);
    case 'fuse':
      return fuse(program, step);
    case 'bind-root':
      return program.call('mount', [program.text(step.source), program.text(step.target), 0, MS.BIND | MS.REC, 0]);
    case 'clone-tree':
      return cloneTree(program, step, mounts);
    case 'new-filesystem':
      return newFilesystem(program, step, mounts);
    case 'unmount':
      return program.call('umount2', [program.text(step.path), MNT_DETACH]);
    case 'pivot-root':
      return pivotRoot(program, step.root);
    case 'make-directory':
      return makeDirectory(program, step.path, step.mode);
    case 'make-file':
      return makeFile(program, step.path);
    case 'symlink': {
      const [target, path] = [program.text(step.target), program.text(step.path)];
      return unlessExists(program, (options) => program.call('symlinkat', [target, AT_FDCWD, path], options));
    }
    case 'attach': {
      const flags = MOVE_MOUNT.F_EMPTY_PATH | (step.followSymlink ? MOVE_MOUNT.T_SYMLINKS : 0);
      const mount = mounts.get(step.mount);
      if (!mount) throw new Error(`no mount is named ${step.mount}`);
      program.call('move_mount', [mount, program.text(''), AT_FDCWD, program.text(step.path), flags]);
      return program.call('close', [mount]);
    }
    case 'mask':
      return mask(program, step.path);
    case 'read-only':
      return readOnly(program, step.path);
  }
}

const propagationFlags: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE,
  slave: MS.SLAVE,
  rslave: MS.SLAVE,
  shared: MS.SHARED,
  rshared: MS.SHARED,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE,
};

/** mount(8) words → what mount_setattr(2) sets and clears. */
export function mountAttributes(words: MountAttributes): { set: number; clear: number; propagation: number } {
  let [set, clear, propagation] = [0, 0, 0];
  const flag: Readonly<Record<string, number>> = {
    ro: MOUNT_ATTR.RDONLY,
    nosuid: MOUNT_ATTR.NOSUID,
    nodev: MOUNT_ATTR.NODEV,
    noexec: MOUNT_ATTR.NOEXEC,
    nodiratime: MOUNT_ATTR.NODIRATIME,
  };
  for (const word of words) {
    set |= flag[word] ?? 0;
    if (word === 'noatime' || word === 'strictatime') {
      clear |= MOUNT_ATTR.ATIME_MASK;
      set |= word === 'noatime' ? MOUNT_ATTR.NOATIME : MOUNT_ATTR.STRICTATIME;
    }
    propagation = propagationFlags[word] ?? propagation;
  }
  return { set, clear, propagation };
}

function keep(mounts: Map<string, Variable>, name: string, program: Program): Variable {
  const fd = program.variable(-1);
  mounts.set(name, fd);
  return fd;
}

function cloneTree(program: Program, step: Extract<Step, { kind: 'clone-tree' }>, mounts: Map<string, Variable>): void {
  const fd = keep(mounts, step.mount, program);
  const recursive = step.recursive ? AT_RECURSIVE : 0;
  const flags = OPEN_TREE_CLONE | O.CLOEXEC | recursive;
  const back = step.namespace === undefined ? undefined : enterNamespace(program, step.namespace);
  if (step.subpath === undefined) {
    program.call('open_tree', [AT_FDCWD, program.text(step.source), flags], { into: fd });
  } else {
    const below = openInRoot(program, step.source, step.subpath);
    program.call('open_tree', [below, program.text(''), flags | AT_EMPTY_PATH], { into: fd });
    program.call('close', [below]);
  }
  if (back) {
    program.call('setns', [back, 0]);
    program.call('close', [back]);
  }
  setAttributes(program, fd, program.text(''), AT_EMPTY_PATH | recursive, step.attributes);
}

/** open_tree(2) takes mounts of the own mount namespace only, so for a moment that is another one: setns(2). */
function enterNamespace(program: Program, path: string): Variable {
  const [own, other] = [program.variable(), program.variable()];
  const flags = O.RDONLY | O.CLOEXEC;
  program.call('openat', [AT_FDCWD, program.text('/proc/self/ns/mnt'), flags, 0], { into: own });
  program.call('openat', [AT_FDCWD, program.text(path), flags, 0], { into: other });
  program.call('setns', [other, 0]);
  program.call('close', [other]);
  return own;
}

/** openat2(2) with struct open_how {flags, mode, resolve}: `root` is what `/` and `..` mean in `path`. */
function openInRoot(program: Program, root: string, path: string): Variable {
  const [rootFd, fd] = [program.variable(), program.variable()];
  program.call('openat', [AT_FDCWD, program.text(root), O.PATH | O.CLOEXEC, 0], { into: rootFd });
  const how = program.words([O.PATH | O.CLOEXEC, 0, RESOLVE.NO_MAGICLINKS | RESOLVE.IN_ROOT]);
  program.call('openat2', [rootFd, program.text(path), how, 24], { into: fd });
  program.call('close', [rootFd]);
  return fd;
}

/** The number by which the server of a FUSE file system gets its connection. */
const fuseFd = 3;

/**
 * The kernel wants the connection opened in the user namespace that mounts (fs/fuse/inode.c), and ends it with the last
 * mount of the file system. The server leaves the mount namespace, so that the container alone keeps the mount: when
 * the container ends, however it ends, the server reads ENODEV and exits.
 */
function fuse(program: Program, { target, name }: Extract<Step, { kind: 'fuse' }>): void {
  const fd = program.variable();
  const path = program.text(target);
  program.call('openat', [AT_FDCWD, program.text('/dev/fuse'), O.RDWR | O.CLOEXEC, 0], { into: fd });
  program.call('dup3', [fd, fuseFd, 0]);
  const options = `fd=${fuseFd},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other`;
  program.call('mount', [program.text(name), path, program.text(`fuse.${name}`), 0, program.text(options)]);
  program.call('unshare', [CLONE.NEWNS]);
  program.call('mount', [program.text('none'), program.text('/'), 0, MS.REC | MS.PRIVATE, 0]);
  program.call('umount2', [path, MNT_DETACH]);
}

/** mount_setattr(2) with struct mount_attr {set, clear, propagation, userns_fd}; nothing when no word asks for it. */
function setAttributes(program: Program, at: Operand, path: DataRef, flags: number, words: MountAttributes): void {
  const { set, clear, propagation } = mountAttributes(words);
  if (set === 0 && clear === 0 && propagation === 0) return;
  const attr = program.words([set, clear, propagation, 0]);
  program.call('mount_setattr', [at, path, flags, attr, 32]);
}

function newFilesystem(
  program: Program,
  step: Extract<Step, { kind: 'new-filesystem' }>,
  mounts: Map<string, Variable>,
): void {
  const context = program.variable();
  const fd = keep(mounts, step.mount, program);
  program.call('fsopen', [program.text(step.type), FSOPEN_CLOEXEC], { into: context });
  for (const option of [`source=${step.type}`, ...step.options]) {
    const [key, ...value] = option.split('=');
    const command = value.length > 0 ? FSCONFIG.SET_STRING : FSCONFIG.SET_FLAG;
    const text = value.length > 0 ? program.text(value.join('=')) : 0;
    program.call('fsconfig', [context, command, program.text(key ?? ''), text, 0]);
  }
  program.call('fsconfig', [context, FSCONFIG.CMD_CREATE, 0, 0, 0]);
  program.call('fsmount', [context, FSMOUNT_CLOEXEC, mountAttributes(step.attributes).set], { into: fd });
  program.call('close', [context]);
}

/** pivot_root(".", "."): the old root lies on the new one and is detached at once; no directory is needed for it. */
function pivotRoot(program: Program, root: string): void {
  const dot = program.text('.');
  program.call('chdir', [program.text(root)]);
  program.call('pivot_root', [dot, dot]);
  program.call('umount2', [dot, MNT_DETACH]);
  program.call('chdir', [program.text('/')]);
}

/** Each prefix in turn; one that exists is left alone, and a wrong kind of file fails in the step that uses the path. */
function makeDirectory(program: Program, path: string, mode: number): void {
  const parts = path.split('/').filter((part) => part !== '');
  parts.forEach((_, index) => {
    const prefix = program.text(`/${parts.slice(0, index + 1).join('/')}`);
    unlessExists(program, (options) => program.call('mkdirat', [AT_FDCWD, prefix, mode], options));
  });
}

function makeFile(program: Program, path: string): void {
  const parent = path.slice(0, path.lastIndexOf('/'));
  makeDirectory(program, parent, 0o755);
  const file = program.text(path);
  const mode = S_IFREG | 0o644;
  unlessExists(program, (options) => program.call('mknodat', [AT_FDCWD, file, mode, 0], options));
}

/** Append a call for which EEXIST is no failure. For any other errno it is made again, to fail where it is reported. */
function unlessExists(program: Program, call: (options: CallOptions) => void): void {
  const [failed, done, result] = [program.label(), program.label(), program.variable()];
  call({ into: result, onError: failed });
  program.jump(done);
  program.place(failed);
  program.compare(result, -ERRNO.EEXIST, { equal: done });
  call({});
  program.place(done);
}

/** A path that is not there needs no mask; /dev/null does not fit over a directory (ENOTDIR): then an empty tmpfs. */
function mask(program: Program, path: string): void {
  const [directory, done] = [program.label(), program.label()];
  const [fd, target] = [program.variable(), program.text(path)];
  program.call('openat', [AT_FDCWD, target, O.PATH | O.CLOEXEC, 0], { into: fd, onError: done });
  program.call('close', [fd]);
  program.call('mount', [program.text('/dev/null'), target, 0, MS.BIND, 0], { onError: directory });
  program.jump(done);
  program.place(directory);
  const tmpfs = program.text('tmpfs');
  const flags = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC;
  program.call('mount', [tmpfs, target, tmpfs, flags, program.text('size=0k')]);
  program.place(done);
}

function readOnly(program: Program, path: string): void {
  if (path === '/') return setAttributes(program, AT_FDCWD, program.text('/'), 0, ['ro']);
  const done = program.label();
  const [fd, target] = [program.variable(), program.text(path)];
  const flags = OPEN_TREE_CLONE | O.CLOEXEC | AT_RECURSIVE;
  program.call('open_tree', [AT_FDCWD, target, flags], { into: fd, onError: done });
  setAttributes(program, fd, program.text(''), AT_EMPTY_PATH | AT_RECURSIVE, ['ro']);
  program.call('move_mount', [fd, program.text(''), AT_FDCWD, target, MOVE_MOUNT.F_EMPTY_PATH]);
  program.call('close', [fd]);
  program.place(done);
}
