/**
 * File system calls that Node has no binding for: flock, syncfs, mknod, extended attributes, times in nanoseconds.
 * Paths may be bytes, because names in an image need not be UTF-8. Nothing here follows a symlink at the last
 * component: every call that has an `l` or AT_SYMLINK_NOFOLLOW variant uses it.
 */
import { type CType, type CValue, cstr, libc, SyscallError } from './ffi.ts';

export type PathBytes = string | Uint8Array;

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** Numbers differ per architecture (asm/unistd_64.h, asm-generic/unistd.h). */
const SYS_MKNODAT = process.arch === 'arm64' ? 33 : 259;

/** Bits of mknod(2)'s mode that say what is made. */
export const nodeTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000, socket: 0o140000 } as const;

export type LockMode = 'shared' | 'exclusive';

/** flock(2), waiting: the whole process stands still until the lock is free, so hold such locks for moments only. */
export function flock(fd: number, mode: LockMode): void {
  libc('flock', 'i32', ['i32', fd], ['i32', mode === 'shared' ? LOCK_SH : LOCK_EX]);
}

/** flock(2) with LOCK_NB: false when another open file description holds it. */
export function tryFlock(fd: number, mode: LockMode): boolean {
  const operation = (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
  return unlessErrno(['EAGAIN'], false, () => libc('flock', 'i32', ['i32', fd], ['i32', operation]) === 0);
}

/** syncfs(2): returns when everything written so far to the file system of `fd` is on the disk. */
export function syncfs(fd: number): void {
  libc('syncfs', 'i32', ['i32', fd]);
}

/** mknodat(2) by number: glibc has had the symbol since 2.33 only. `mode` is one of nodeTypes and permission bits. */
export function mknod(path: PathBytes, mode: number, device: { readonly major: number; readonly minor: number }): void {
  const { major, minor } = device;
  // makedev(3); numbers above 20 bits of minor do not exist in archives (tar has 7 octal digits) nor in the kernel.
  const dev = (minor & 0xff) + ((major & 0xfff) << 8) + (minor & 0xfff00) * 0x1000;
  libc('syscall', 'i64', ['i64', SYS_MKNODAT], ['i64', AT_FDCWD], pathArgument(path), ['i64', mode], ['i64', dev]);
}

/** lgetxattr(2): undefined when the attribute does not exist or the file system keeps none. */
export function getXattr(path: PathBytes, name: string): Buffer | undefined {
  return readGrowing((space) =>
    libc('lgetxattr', 'i64', pathArgument(path), ['str', name], ['buf', space], ['i64', space.length]),
  );
}

/** lsetxattr(2): made or replaced. */
export function setXattr(path: PathBytes, name: string, value: Uint8Array): void {
  // ffi-rs cannot point at an empty buffer; the length passed is the true one.
  const bytes = value.length > 0 ? value : Buffer.alloc(1);
  libc('lsetxattr', 'i32', pathArgument(path), ['str', name], ['buf', bytes], ['i64', value.length], ['i32', 0]);
}

/** llistxattr(2); empty where the file system keeps none. */
export function listXattrs(path: PathBytes): string[] {
  const names = readGrowing((space) =>
    libc('llistxattr', 'i64', pathArgument(path), ['buf', space], ['i64', space.length]),
  );
  return names ? names.toString().split('\0').filter(Boolean) : [];
}

/** lremovexattr(2); nothing happens when the attribute does not exist. */
export function removeXattr(path: PathBytes, name: string): void {
  unlessErrno(['ENODATA'], 0, () => libc('lremovexattr', 'i32', pathArgument(path), ['str', name]));
}

export interface Timespec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** utimensat(2): Node's lutimes takes a double, which keeps only a quarter of a microsecond. */
export function setTimes(path: PathBytes, accessed: Timespec, modified: Timespec): void {
  const times = Buffer.alloc(32);
  for (const [index, time] of [accessed, modified].entries()) {
    times.writeBigInt64LE(BigInt(time.seconds), index * 16);
    times.writeBigInt64LE(BigInt(time.nanoseconds), index * 16 + 8);
  }
  libc('utimensat', 'i32', ['i32', AT_FDCWD], pathArgument(path), ['buf', times], ['i32', AT_SYMLINK_NOFOLLOW]);
}

/** chroot(2) and then chdir(2) to the new root: what chroot leaves outside would stay reachable through `..`. */
export function changeRoot(path: PathBytes): void {
  libc('chroot', 'i32', pathArgument(path));
  process.chdir('/');
}

const pathArgument = (path: PathBytes): readonly [CType, CValue] =>
  typeof path === 'string' && !path.includes('\0') ? ['str', path] : ['buf', cstr(path)];

/** Call with more space for as long as the kernel says ERANGE; XATTR_SIZE_MAX and XATTR_LIST_MAX are 64 KiB. */
function readGrowing(read: (space: Buffer) => number): Buffer | undefined {
  for (let size = 256; ; size *= 16) {
    const space = Buffer.alloc(size);
    const length = unlessErrno(size > 65536 ? [] : ['ERANGE'], -1, () =>
      unlessErrno(['ENODATA', 'ENOTSUP'], -2, () => read(space)),
    );
    if (length === -2) return undefined;
    if (length >= 0) return space.subarray(0, length);
  }
}

function unlessErrno<T>(expected: readonly string[], answer: T, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError && expected.includes(error.code)) return answer;
    throw error;
  }
}
