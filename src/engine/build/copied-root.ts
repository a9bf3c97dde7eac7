/**
 * What a RUN changed in a root that is a copy of its layers (storage driver vfs), as the upper directory that overlayfs
 * would have made of it. An inode that is at its place and whose change time (which no program can set, inode(7)) is as
 * before has not been touched: nothing is read, and the cost follows the number of files.
 */
import { type BigIntStats, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { type ByteString, fromText, toPath } from '../../image/layer/byte-string.ts';
import { makeOpaque, makeWhiteout } from '../../image/layer/overlay-marks.ts';
import { setTimes, type Timespec } from '../../linux/files.ts';
import { copyAttributes, timespec } from '../../storage/drivers/vfs.ts';

/** A file as it was; a directory with what was in it. */
export interface Snapshot {
  /** Its number and, because numbers are used again, when it was made (0 where the file system does not know). */
  readonly inode: string;
  readonly changedNs: bigint;
  readonly entries?: ReadonlyMap<ByteString, Snapshot>;
}

/** Clocks of file systems tick every 10 ms at most: what is changed later than this has another change time. */
export const tickMs = 20;

export const takeSnapshot = (root: string): Snapshot => snapshotOf(fromText(root));

function snapshotOf(path: ByteString): Snapshot {
  const stat = lstatSync(toPath(path), { bigint: true });
  const mark = { inode: inodeOf(stat), changedNs: stat.ctimeNs };
  if (!stat.isDirectory()) return mark;
  return { ...mark, entries: new Map(namesIn(path).map((name) => [name, snapshotOf(`${path}/${name}`)])) };
}

/** Move what is not as in `before` to `upper`, an empty directory. The root is not whole afterwards. */
export function moveChanges(root: string, upper: string, before: Snapshot): void {
  new Changes(fromText(root), fromText(upper)).run(before);
}

class Changes {
  readonly #root: ByteString;
  readonly #upper: ByteString;
  /** Directories of the upper one with the times that they shall have, parents first. */
  readonly #made = new Map<ByteString, readonly [accessed: Timespec, modified: Timespec]>();

  constructor(root: ByteString, upper: ByteString) {
    this.#root = root;
    this.#upper = upper;
  }

  run(before: Snapshot): void {
    this.#visit('', before);
    // From the bottom up, when nothing is put into them any more.
    for (const [path, times] of [...this.#made].reverse()) setTimes(toPath(`${this.#upper}${path}`), ...times);
  }

  #visit(path: ByteString, old: Snapshot | undefined): void {
    const from = `${this.#root}${path}`;
    const stat = lstatSync(toPath(from), { bigint: true });
    const isSame = old?.inode === inodeOf(stat) && old.changedNs === stat.ctimeNs;
    if (!stat.isDirectory()) {
      if (!isSame) renameSync(toPath(from), toPath(this.#placeFor(path)));
      return;
    }
    if (!isSame) this.#ensure(path);
    // Another directory of the same name: of what lies below nothing shows.
    const known = old?.inode === inodeOf(stat) ? old.entries : undefined;
    if (old?.entries && !known) makeOpaque(`${this.#upper}${path}`);
    const names = namesIn(from);
    for (const name of names) this.#visit(`${path}/${name}`, known?.get(name));
    const present = new Set(names);
    for (const name of known?.keys() ?? []) {
      if (!present.has(name)) makeWhiteout(this.#placeFor(`${path}/${name}`));
    }
  }

  #placeFor(path: ByteString): ByteString {
    this.#ensure(path.slice(0, path.lastIndexOf('/')));
    return `${this.#upper}${path}`;
  }

  /** The directory, with its parents, like that of the root. Before anything is moved out of that one. */
  #ensure(path: ByteString): void {
    if (this.#made.has(path)) return;
    if (path !== '') {
      this.#ensure(path.slice(0, path.lastIndexOf('/')));
      mkdirSync(toPath(`${this.#upper}${path}`), { mode: 0o700 });
    }
    const from = Buffer.from(`${this.#root}${path}`, 'latin1');
    const { atimeNs, mtimeNs } = lstatSync(from, { bigint: true });
    this.#made.set(path, [timespec(atimeNs), timespec(mtimeNs)]);
    copyAttributes(from, Buffer.from(`${this.#upper}${path}`, 'latin1'), lstatSync(from));
  }
}

const inodeOf = ({ ino, birthtimeNs }: BigIntStats): string => `${ino} ${birthtimeNs}`;

const namesIn = (path: ByteString): ByteString[] => readdirSync(toPath(path), { encoding: 'latin1' }).sort();
