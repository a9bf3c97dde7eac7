/**
 * Locks between processes: flock(2) on one file per object. The kernel frees a lock when its last descriptor is
 * closed, so a killed process leaves none behind. Readers (`ps`, `images`, the resolution of a name) take none.
 *
 * Order, for whoever needs more than one: ids → store → step → mount → container → network → holder → volume → layer → index. A lock of a later
 * kind may be taken while one of an earlier kind is held, never the other way round, and only one of each kind.
 *
 * The files are below the runtime root, which is a tmpfs of this machine: flock on a home directory by NFS is slow,
 * may be missing, and would tie machines together that share nothing but files. The one exception is the store's own
 * lock, which lies beside the data: collection (perhaps from cron, with another runtime root) must exclude a pull.
 *
 * A child made by fork or clone shares the lock until it closes the descriptor or executes a program (all of Node's
 * descriptors are close-on-exec): long-lived children close everything they were not given.
 */
import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { withSpaceHint } from '../base/json-file.ts';
import { sleep } from '../base/sleep.ts';
import { flock, type LockMode, tryFlock } from '../linux/files.ts';
import { layout } from './layout.ts';
import { ensureDataRoot, ensureRunRoot } from './roots.ts';

export type LockKind = 'ids' | 'step' | 'mount' | 'network' | 'holder' | 'container' | 'volume' | 'layer' | 'index';

/** Something that can be locked. */
export interface LockTarget {
  readonly path: string;
  /** Make the directory that the file is in. */
  prepare(): void;
}

export function lockOf(host: Host, kind: LockKind, name: string): LockTarget {
  return { path: layout.lock(host, kind, name), prepare: () => ensureRunRoot(host) };
}

/** Shared while something is added to the store or about to be referenced, exclusive while garbage is deleted. */
export function storeLockOf(host: Host): LockTarget {
  return { path: layout.storeLock(host), prepare: () => ensureDataRoot(host) };
}

/** A lock that is held; disposing it twice is allowed. */
export class Lock implements Disposable {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** For a locked object that no longer exists. Safe: who waits for the old file sees that it was unlinked. */
  releaseAndRemove(): void {
    if (this.#fd !== undefined) rmSync(this.#path, { force: true });
    this.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Wait for the lock with the whole process standing still: for what is held for milliseconds only. */
export function lockNow(target: LockTarget, mode: LockMode = 'exclusive'): Lock {
  const held = acquire(target, (fd) => {
    flock(fd, mode);
    return true;
  });
  if (held) return held;
  throw new CtrError('INTERNAL', `cannot lock ${target.path}`);
}

/** The lock, or undefined when someone else holds it. */
export function tryLock(target: LockTarget, mode: LockMode = 'exclusive'): Lock | undefined {
  return acquire(target, (fd) => tryFlock(fd, mode));
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Give up with an IN_USE error after this time; forever when absent. */
  readonly timeoutMs?: number;
}

/** Wait without blocking the event loop (by asking again: flock has no other way), for locks that are held long. */
export async function lockWhenFree(
  target: LockTarget,
  mode: LockMode = 'exclusive',
  options: WaitOptions = {},
): Promise<Lock> {
  const deadline = Date.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const held = tryLock(target, mode);
    if (held) return held;
    if (Date.now() >= deadline) {
      throw new CtrError('IN_USE', `${target.path} is locked by another process`, {
        hint: 'another ctr command works on the same object; wait for it to end',
      });
    }
    options.signal?.throwIfAborted();
    await sleep(pauseMs);
  }
}

/** Open and lock. A file that was unlinked meanwhile is a lock that nobody else can see: take the new one instead. */
function acquire(target: LockTarget, lock: (fd: number) => boolean): Lock | undefined {
  for (;;) {
    const fd = openLockFile(target);
    let isOurs = false;
    try {
      if (!lock(fd)) return undefined;
      isOurs = isStill(target.path, fd);
      if (isOurs) return new Lock(target.path, fd);
    } finally {
      if (!isOurs) closeSync(fd);
    }
  }
}

function openLockFile(target: LockTarget): number {
  try {
    return openSync(target.path, 'a+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw withSpaceHint(error, target.path);
    target.prepare();
    return openSync(target.path, 'a+', 0o600);
  }
}

function isStill(path: string, fd: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(fd);
  return named !== undefined && named.ino === opened.ino && named.dev === opened.dev;
}
