/**
 * The driver of last resort: the container's root is a copy of its layers, one over the other. Blocks are shared
 * where the file system can (reflinks). Runs where the owners on disk are at home: inside the user namespace for
 * layers with subordinate ids.
 *
 * The tree is hostile but at rest (nobody else writes to a published layer or to a container being made), and
 * nothing here follows a symlink: directories are entered only after lstat said so, in source and target.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
} from 'node:fs';
import { withSpaceHint } from '../../base/json-file.ts';
import { getXattr, listXattrs, mknod, setTimes, setXattr } from '../../linux/files.ts';

/**
 * Copy `layers` (lowest first) into the existing directory `target`, as overlay would show them; with `contentOnly`
 * the target keeps its own owner and mode.
 */
export function flattenLayers(layers: readonly string[], target: string, contentOnly = false): void {
  try {
    for (const layer of layers) copyDirectory(Buffer.from(layer), Buffer.from(target), new Map(), contentOnly);
  } catch (error) {
    throw withSpaceHint(error, target);
  }
}

/** First name in the target of each inode that has several. */
type HardLinks = Map<string, Buffer>;

function copyDirectory(from: Buffer, to: Buffer, links: HardLinks, contentOnly = false): void {
  const stat = lstatSync(from);
  const names = readdirSync(from, { encoding: 'buffer' });
  const [marks, entries] = [names.filter(isMark), names.filter((name) => !isMark(name))];
  const isOpaque = getXattr(from, 'user.overlay.opaque')?.toString() === 'y' || marks.some(isOpaqueMark);
  const hidden = isOpaque
    ? readdirSync(to, { encoding: 'buffer' })
    : marks.map((mark) => mark.subarray(markPrefix.length));
  for (const name of hidden) remove(join(to, name));
  for (const name of entries) copyEntry(join(from, name), join(to, name), links);
  if (!contentOnly) copyAttributes(from, to, stat);
}

function copyEntry(from: Buffer, to: Buffer, links: HardLinks): void {
  const stat = lstatSync(from);
  const existing = lstatSync(to, { throwIfNoEntry: false });
  if (existing && !(existing.isDirectory() && stat.isDirectory())) remove(to);
  if (isWhiteout(stat)) return;
  if (stat.isDirectory()) {
    if (!existing?.isDirectory()) mkdirSync(to, { mode: 0o700 });
    return copyDirectory(from, to, links);
  }
  const inode = `${stat.dev}:${stat.ino}`;
  const first = links.get(inode);
  if (first) return linkSync(first, to);
  makeEntry(from, to, stat);
  copyAttributes(from, to, stat);
  if (stat.nlink > 1) links.set(inode, to);
}

function makeEntry(from: Buffer, to: Buffer, stat: Stats): void {
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
  else if (stat.isFile()) copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  else mknod(to, stat.mode, { major: major(stat.rdev), minor: minor(stat.rdev) });
}

/** Owner before mode: chown(2) clears the set-id bits. Times last. */
export function copyAttributes(from: Buffer, to: Buffer, stat: Stats): void {
  const target = lstatSync(to);
  if (target.uid !== stat.uid || target.gid !== stat.gid) lchownSync(to, stat.uid, stat.gid);
  for (const name of listXattrs(from)) {
    const value = name.startsWith('user.overlay.') ? undefined : getXattr(from, name);
    if (value) setXattr(to, name, value);
  }
  if (!stat.isSymbolicLink()) chmodSync(to, stat.mode & 0o7777);
  const { atimeNs, mtimeNs } = lstatSync(from, { bigint: true });
  setTimes(to, timespec(atimeNs), timespec(mtimeNs));
}

/** Of nanoseconds since 1970. Seconds are rounded down, so that nanoseconds are positive before 1970 too. */
export function timespec(time: bigint): { seconds: number; nanoseconds: number } {
  const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((time - nanoseconds) / 1_000_000_000n), nanoseconds: Number(nanoseconds) };
}

/** Written where the file system refuses overlay's own marks (image/layer/overlay-marks.ts), and by fuse-overlayfs. */
const markPrefix = '.wh.';
const isMark = (name: Buffer) => name.subarray(0, markPrefix.length).toString('latin1') === markPrefix;
const isOpaqueMark = (name: Buffer) => name.toString('latin1') === '.wh..wh..opq';

const isWhiteout = (stat: Stats) => stat.isCharacterDevice() && stat.rdev === 0;
const remove = (path: Buffer) => rmSync(path, { recursive: true, force: true });
const join = (directory: Buffer, name: Buffer) => Buffer.concat([directory, Buffer.from('/'), name]);

/** gnu_dev_major(3) and gnu_dev_minor(3) for the 32-bit numbers that stat gives. */
const major = (rdev: number) => (rdev >>> 8) & 0xfff;
const minor = (rdev: number) => (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
