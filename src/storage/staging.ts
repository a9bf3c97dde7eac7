/**
 * Places for half-made things: `tmp/<random>` beside a lock file that its maker holds. What is whole is renamed out
 * of here; what is left without a holder was orphaned by a crash, and anybody may delete it.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { withSpaceHint } from '../base/json-file.ts';
import { randomHex } from '../base/random.ts';
import { removeTreeNow } from '../base/remove-tree.ts';
import { layout } from './layout.ts';
import { type Lock, type LockTarget, tryLock } from './lock.ts';
import { ensureDataRoot, namesIn } from './roots.ts';

/**
 * Deletes a tree that holds files of subordinate ids, which takes a process in the user namespace. Used only where
 * the caller's own rights do not suffice.
 */
export type RemoveTree = (path: string) => void | Promise<void>;

/** A name in tmp/ that belongs to this process. Disposing it deletes what is (still) there. */
export interface Staging extends Disposable {
  readonly path: string;
  /** The same path, relative to the data root. */
  readonly relativePath: string;
  /** Keep what is there for collectOrphans: this process could not delete it. */
  abandon(): void;
}

/** A new name; nothing is made at it yet. */
export function reserveStaging(host: Host): Staging {
  for (;;) {
    const name = randomHex(8);
    const path = `${layout.tmp(host)}/${name}`;
    const lock = tryLock(stagingLock(host, path));
    if (!lock) continue;
    return {
      path,
      relativePath: path.slice(host.dataRoot.length + 1),
      abandon: () => lock.release(),
      [Symbol.dispose]: () => dispose(path, lock),
    };
  }
}

/** A new empty directory that only the caller may enter. */
export function createStagingDirectory(host: Host): Staging {
  const staging = reserveStaging(host);
  try {
    mkdirSync(staging.path, { mode: 0o700 });
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, staging.path);
  }
  return staging;
}

/**
 * Make `path` disappear at once, by a rename into tmp/, and delete it there. Returns false if the tree has to wait
 * for collectOrphans, because there is no removeTree and files belong to subordinate ids.
 */
export async function discardTree(host: Host, path: string, removeTree?: RemoveTree): Promise<boolean> {
  const staging = reserveStaging(host);
  try {
    renameSync(path, staging.path);
  } catch (error) {
    staging[Symbol.dispose]();
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
  try {
    await deleteTree(staging.path, removeTree);
    staging[Symbol.dispose]();
    return true;
  } catch (error) {
    staging.abandon();
    if (error instanceof CtrError && error.code === 'DENIED') return false;
    throw error;
  }
}

/**
 * As discardTree, without waiting: `begin` starts a process that deletes the given paths. They stay locked until ctr
 * ends; if that process fails, collectOrphans finds them.
 */
export function discardTreeLater(host: Host, path: string, begin: (paths: readonly string[]) => void): void {
  const staging = reserveStaging(host);
  try {
    renameSync(path, staging.path);
  } catch (error) {
    staging[Symbol.dispose]();
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  begin([staging.path, stagingLock(host, staging.path).path]);
}

export interface OrphanReport {
  readonly removed: readonly string[];
  /** Orphans that could not be deleted, mostly for want of a removeTree. */
  readonly kept: readonly string[];
}

/** Delete what crashed processes left in tmp/. Safe beside running ones; takes only locks that are free. */
export async function collectOrphans(host: Host, removeTree?: RemoveTree): Promise<OrphanReport> {
  const removed: string[] = [];
  const kept: string[] = [];
  for (const path of stagedPaths(host)) {
    const lock = tryLock(stagingLock(host, path));
    if (!lock) continue;
    try {
      await deleteTree(path, removeTree);
      lock.releaseAndRemove();
      removed.push(path);
    } catch (error) {
      lock.release();
      host.log.debug(`cannot delete ${path}: ${error instanceof Error ? error.message : error}`);
      kept.push(path);
    }
  }
  return { removed, kept };
}

/** Names in tmp/ that nobody holds, for a report. */
export function listOrphans(host: Host): string[] {
  return stagedPaths(host).filter((path) => {
    using lock = tryLock(stagingLock(host, path));
    return lock !== undefined;
  });
}

/** Delete a tree as the caller; what is refused goes to `removeTree`. A missing path is no error. */
export async function deleteTree(path: string, removeTree?: RemoveTree): Promise<void> {
  if (removeOwned(path)) return;
  if (!removeTree) throw new CtrError('DENIED', `${path} holds files of subordinate ids`);
  await removeTree(path);
  removeTreeNow(path);
}

/** False when files of others are in the way. Symlinks are deleted, not followed. */
function removeOwned(path: string): boolean {
  try {
    removeTreeNow(path);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** ENOTEMPTY: Node went on past a directory whose content it could not delete. */
const isRefusal = (error: unknown) => ['EACCES', 'EPERM', 'ENOTEMPTY'].includes(errnoOf(error) ?? '');

const stagingLock = (host: Host, path: string): LockTarget => ({
  path: `${path}.lock`,
  prepare: () => ensureDataRoot(host),
});

function stagedPaths(host: Host): string[] {
  const stems = new Set(namesIn(layout.tmp(host)).map((name) => name.replace(/\.lock$/, '')));
  return [...stems].map((stem) => `${layout.tmp(host)}/${stem}`);
}

function dispose(path: string, lock: Lock): void {
  try {
    if (removeOwned(path)) lock.releaseAndRemove();
    else lock.release();
  } catch {
    // An I/O error while cleaning up: without its lock this is an orphan that collectOrphans reports.
    lock.release();
  }
}
