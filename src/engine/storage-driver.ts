/**
 * Which storage driver works for this user on this data root. Found by trying, once: the verdict is kept until the
 * boot, the kernel or the file system is another one (storage/drivers/driver.ts).
 */
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { AT_FDCWD, CLONE, MS, O } from '../linux/constants.ts';
import { findExecutable } from '../linux/host-files.ts';
import { attempt } from '../linux/user-namespace-trial.ts';
import { type DriverVerdict, parseStorageDriver, readVerdict, writeVerdict } from '../storage/drivers/driver.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { layout } from '../storage/layout.ts';

/** The user's choice, the kept verdict, or a new one. */
export function chooseStorageDriver(host: Host): DriverVerdict {
  if (host.storageDriver !== undefined) {
    return { driver: parseStorageDriver(host.storageDriver), reasons: ['chosen by the user'] };
  }
  const known = readVerdict(host);
  if (known !== undefined) return known;
  const verdict = findDriver(host);
  if (verdict.driver !== 'overlay') host.log.warn(notice(verdict));
  try {
    writeVerdict(host, verdict);
  } catch (error) {
    host.log.debug(`the storage driver verdict is not kept: ${errnoOf(error)}`);
  }
  return verdict;
}

/** Said once: the verdict is kept. */
function notice({ driver, reasons }: DriverVerdict): string {
  const price = driver === 'vfs' ? 'each container is a whole copy of its image' : 'files are slower than with overlay';
  return `storage driver ${driver} is used: ${price} (${reasons.join('; ')}). A --root on another file system may do better`;
}

function findDriver(host: Host): DriverVerdict {
  const overlay = tryOverlay(host);
  if (overlay.works) return { driver: 'overlay', reasons: [] };
  const refused = `overlay: ${overlay.reason}`;
  const lacks = missingForFuse(host.env.PATH ?? '');
  if (lacks === undefined) return { driver: 'fuse-overlayfs', reasons: [refused] };
  return { driver: 'vfs', reasons: [refused, `fuse-overlayfs: ${lacks}`] };
}

/** What fuse-overlayfs lacks on this host, or undefined. */
export function missingForFuse(path: string): string | undefined {
  if (findExecutable('fuse-overlayfs', path) === undefined) return 'fuse-overlayfs is not installed';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch (error) {
    return `/dev/fuse: ${errnoOf(error)}`;
  }
  return tryFuse();
}

/** Mount a FUSE file system that nobody serves: the kernel's answer is all that is wanted. */
function tryFuse(): string | undefined {
  const failure = attempt({
    flags: CLONE.NEWNS,
    build: (program) => {
      const fd = program.variable();
      const [type, place] = [program.text('fuse'), program.text('/')];
      program.call('openat', [AT_FDCWD, program.text('/dev/fuse'), O.RDWR, 0], { into: fd });
      program.call('dup3', [fd, trialFd, 0]);
      program.call('mount', [program.text('none'), place, 0, MS.REC | MS.PRIVATE, 0]);
      const options = `fd=${trialFd},rootmode=40000,user_id=0,group_id=0`;
      program.call('mount', [type, place, type, 0, program.text(options)]);
    },
  });
  return failure === undefined ? undefined : `FUSE: ${failure}`;
}

/** Above what a caller has open; only the trial's own process has it. */
const trialFd = 900;

export type OverlayTrial =
  | { readonly works: true }
  /** `isTried` is false when the data root itself could not be used. */
  | { readonly works: false; readonly isTried: boolean; readonly reason: string };

/** Mount an overlay in a user namespace, with its directories on the data root's file system, and write through it. */
export function tryOverlay(host: Host): OverlayTrial {
  let scratch: string;
  try {
    mkdirSync(layout.tmp(host), { recursive: true, mode: 0o700 });
    scratch = mkdtempSync(`${layout.tmp(host)}/probe-`);
  } catch (error) {
    return { works: false, isTried: false, reason: error instanceof Error ? error.message : String(error) };
  }
  try {
    const reason = mountOverlayIn(scratch);
    return reason === undefined ? { works: true } : { works: false, isTried: true, reason };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function mountOverlayIn(scratch: string): string | undefined {
  const at = (name: string) => `${scratch}/${name}`;
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name));
  const options = overlayOptions({ lower: [at('lower')], upper: { upperDir: at('upper'), workDir: at('work') } });
  const failure = attempt({
    flags: CLONE.NEWNS,
    build: (program) => {
      const overlay = program.text('overlay');
      program.call('mount', [program.text('none'), program.text('/'), 0, MS.REC | MS.PRIVATE, 0]);
      program.call('mount', [overlay, program.text(at('merged')), overlay, 0, program.text(options)]);
      program.call('mkdirat', [-1, program.text(at('merged/written')), 0o700]);
    },
  });
  try {
    chmodSync(at('work/work'), 0o700); // the kernel leaves it with mode 000
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  return failure;
}
