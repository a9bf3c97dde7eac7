/** Deleting trees on the way of `run`: fs.rmSync takes 10 ms for the dozen files of a short-lived container, this 1 ms. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from './ctr-error.ts';

/** As `rm -rf`: symlinks are deleted, not followed; a missing path is no error. Throws at what others own. */
export function removeTreeNow(path: string): void {
  unlinkTree(Buffer.from(path));
}

function unlinkTree(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return;
    // Linux says EISDIR; POSIX would have EPERM.
    if (code !== 'EISDIR' && code !== 'EPERM') throw error;
    emptyDirectory(path);
    rmdirSync(path);
  }
}

function emptyDirectory(path: Buffer): void {
  for (const name of readOwnDirectory(path)) unlinkTree(Buffer.concat([path, Buffer.from('/'), name]));
}

/** Images have directories that their owner may not read or write, and overlay's work/work has mode 000. */
function readOwnDirectory(path: Buffer): Buffer[] {
  const { mode, uid } = lstatSync(path);
  if ((mode & 0o700) !== 0o700 && uid === process.geteuid?.()) chmodSync(path, 0o700);
  return readdirSync(path, { encoding: 'buffer' });
}
