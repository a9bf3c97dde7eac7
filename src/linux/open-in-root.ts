/** Open a path below a root that somebody else controls, as if that root were `/`. */
import { AT_FDCWD, O, RESOLVE } from './constants.ts';
import { cstr, libc } from './ffi.ts';
import { syscallNumber } from './syscalls.ts';

/** openat2(2) with RESOLVE_IN_ROOT: no symlink, `..` or magic link leads out of `root`, whatever changes meanwhile. */
export function openInRoot(root: number, path: string, flags: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O.CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS), 16);
  const name = cstr(path);
  return libc(
    'syscall',
    'i64',
    ['i64', syscallNumber('openat2')],
    ['i64', root],
    ['buf', name],
    ['buf', how],
    ['i64', how.length],
  );
}

/** As openInRoot, for a root by its path. */
export function openBelow(rootPath: string, path: string, flags: number): number {
  const root = libc('openat', 'i32', ['i32', AT_FDCWD], ['str', rootPath], ['i32', O.PATH | O.DIRECTORY | O.CLOEXEC]);
  try {
    return openInRoot(root, path, flags);
  } finally {
    process.getBuiltinModule('node:fs').closeSync(root);
  }
}
