/**
 * Put owner, mode, extended attributes and times on what a layer made, with as few system calls as its values need.
 * The order is fixed: chown(2) clears set-id bits and file capabilities, so modes and attributes come after it.
 */
import { chmodSync, fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import { setTimes, setXattr, type Timespec } from '../../linux/files.ts';
import { type ByteString, quoted, toPath } from './byte-string.ts';
import type { Metadata, Owner } from './layer-tree.ts';

/** `mapped`: owners go to the disk; `single`: only the caller's id exists, so owners are kept in a file beside it. */
export type OwnerMode = 'mapped' | 'single';

export interface MetadataTarget {
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo';
  /** Below the working directory, for calls. */
  readonly path: ByteString;
  /** As in the archive, for messages. */
  readonly name: ByteString;
  /** An open file, for cheaper calls. */
  readonly fd?: number;
  /** The permission bits that it was made with. */
  readonly madeMode: number;
}

const setIdBits = 0o6000;

export class MetadataWriter {
  readonly warnings = new Map<string, string>();
  readonly #owners: OwnerMode;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;

  constructor(owners: OwnerMode) {
    this.#owners = owners;
  }

  /** Returns the owner to be recorded beside the layer, when the disk does not show it (single-id mode). */
  apply(target: MetadataTarget, metadata: Metadata): Owner | undefined {
    const { uid, gid, mode, mtime } = metadata;
    const isSingle = this.#owners === 'single';
    const isOthers = isSingle ? uid !== 0 || gid !== 0 : uid !== this.#uid || gid !== this.#gid;
    if (isOthers && !isSingle) chown(target, uid, gid);
    // A set-id program must not get the caller's own id because the owner could not be kept.
    const shown = isSingle && isOthers ? mode & ~((uid !== 0 ? 0o4000 : 0) | (gid !== 0 ? 0o2000 : 0)) : mode;
    const isCleared = isOthers && (mode & setIdBits) !== 0;
    if (target.kind !== 'symlink' && (shown !== target.madeMode || isCleared)) chmod(target, shown);
    for (const { name, value } of metadata.xattrs) this.#xattr(target, name, value);
    touch(target, mtime);
    return isSingle && isOthers ? { uid, gid, mode } : undefined;
  }

  #xattr(target: MetadataTarget, bytes: ByteString, value: Buffer): void {
    const name = Buffer.from(bytes, 'latin1').toString();
    if (!isImageXattr(name)) {
      this.#warn(
        name,
        `extended attribute ${quoted(bytes)} of ${quoted(target.name)} is left out: not for images to set`,
      );
      return;
    }
    try {
      setXattr(toPath(target.path), name, value);
    } catch (error) {
      // A label or attribute that this kernel, file system or user namespace does not let us write.
      const tolerated = ['EPERM', 'EACCES', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'ERANGE'];
      if (!tolerated.includes(errnoOf(error) ?? '')) throw error;
      this.#warn(name, `extended attribute ${quoted(bytes)} of ${quoted(target.name)} is left out: ${errnoOf(error)}`);
    }
  }

  #warn(key: string, text: string): void {
    if (this.warnings.size < 20 && !this.warnings.has(key)) this.warnings.set(key, text);
  }
}

/** trusted.* and user.overlay.* are overlayfs' own: an image could hide or redirect files of other layers by them. */
export function isImageXattr(name: string): boolean {
  if (name.includes('\0') || name === '') return false;
  return !/^(trusted\.|user\.overlay\.|user\.fuseoverlayfs\.|security\.(?!capability$))/.test(name);
}

function chown({ path, name, fd }: MetadataTarget, uid: number, gid: number): void {
  try {
    if (fd !== undefined) fchownSync(fd, uid, gid);
    else lchownSync(toPath(path), uid, gid);
  } catch (error) {
    const isUnmapped = errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ERR_OUT_OF_RANGE';
    if (!isUnmapped) throw error;
    throw new CtrError(
      'INVALID',
      `the layer's entry ${quoted(name)} belongs to ${uid}:${gid}, an id that is not mapped`,
      {
        cause: error,
        hint: 'give this user more subordinate ids in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids); with --userns auto:size=N a larger N',
      },
    );
  }
}

function chmod({ path, fd }: MetadataTarget, mode: number): void {
  if (fd !== undefined) fchmodSync(fd, mode);
  else chmodSync(toPath(path), mode);
}

/** Node's calls take a double, which is exact for whole seconds; fractions and times before 1970 need the real call. */
function touch({ path, fd }: MetadataTarget, mtime: Timespec): void {
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0) setTimes(toPath(path), mtime, mtime);
  else if (fd !== undefined) futimesSync(fd, mtime.seconds, mtime.seconds);
  else lutimesSync(toPath(path), mtime.seconds, mtime.seconds);
}
