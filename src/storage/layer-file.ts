/**
 * Read one file out of stacked layers without mounting them: /etc/passwd for `-u name`, before the container exists.
 *
 * The layers are hostile, and the uppermost may be changed by a running container meanwhile. So every component is
 * opened below the descriptor of its parent, never by a path of several components: `/proc/self/fd/N/name` with
 * O_PATH|O_NOFOLLOW. Symlinks are read and resolved here, with the uppermost root as `/`.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { getXattr } from '../linux/files.ts';

/** One directory as it is in each layer, uppermost first: what overlay merges. */
type MergedDirectory = readonly number[];

const O_PATH = 0o10000000;
/** path_resolution(7): the kernel's own limit. */
const maxSymlinks = 40;

/**
 * The content of `path` (absolute or not) in the stack `layers`, uppermost directory first; undefined when there is
 * no such regular file. Throws INVALID when it is larger than `maxBytes`, and for symlinks without end.
 */
export function readFileInLayers(layers: readonly string[], path: string, maxBytes: number): Buffer | undefined {
  using opened = new OpenedDescriptors();
  const root = layers.map((layer) => opened.open(layer, O_PATH | constants.O_DIRECTORY));
  const fd = resolve(opened, root, path)?.[0];
  if (fd === undefined || !fstatSync(fd).isFile()) return undefined;
  // Opened again by its descriptor: the very inode that was looked at.
  return readBounded(opened.open(`/proc/self/fd/${fd}`, constants.O_RDONLY), path, maxBytes);
}

/**
 * Call `use` with the directories that make up `path` in the stack, uppermost first, by names that are valid during the
 * call only; returns undefined, without calling, when it is no directory there.
 */
export function withDirectoryInLayers<T>(
  layers: readonly string[],
  path: string,
  use: (directories: readonly string[]) => T,
): T | undefined {
  using opened = new OpenedDescriptors();
  const root = layers.map((layer) => opened.open(layer, O_PATH | constants.O_DIRECTORY));
  const found = resolve(opened, root, path);
  if (found?.[0] === undefined || !fstatSync(found[0]).isDirectory()) return undefined;
  // `/.`: the directory itself, not the link in /proc.
  return use(found.map((fd) => `/proc/self/fd/${fd}/.`));
}

class OpenedDescriptors implements Disposable {
  readonly #fds: number[] = [];

  open(path: string, flags: number): number {
    const fd = openSync(path, flags);
    this.#fds.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

/** A merged directory, or one descriptor of anything else. */
function resolve(opened: OpenedDescriptors, root: MergedDirectory, path: string): MergedDirectory | undefined {
  const parents: MergedDirectory[] = [root];
  const rest = components(path);
  let symlinks = 0;
  while (rest.length > 0) {
    const name = rest.shift() ?? '';
    const directory = parents.at(-1) ?? root;
    if (name === '..') {
      if (parents.length > 1) parents.pop();
      continue;
    }
    const found = lookUp(opened, directory, name);
    if (!found) return undefined;
    if (found.stat.isDirectory()) {
      parents.push(found.merged);
    } else if (found.stat.isSymbolicLink()) {
      if (++symlinks > maxSymlinks) throw new CtrError('INVALID', `too many symlinks in ${path} of the image`);
      const target = readlinkSync(`/proc/self/fd/${found.parent}/${name}`);
      if (target.startsWith('/')) parents.length = 1;
      rest.unshift(...components(target));
    } else {
      return rest.length === 0 ? [found.fd] : undefined;
    }
  }
  return parents.at(-1);
}

const components = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

interface Found {
  readonly fd: number;
  readonly stat: Stats;
  /** The layer's directory that holds it. */
  readonly parent: number;
  /** For a directory: itself and the directories of the same name that shine through. */
  readonly merged: MergedDirectory;
}

/** What overlay shows for `name` (overlayfs documentation, "whiteouts and opaque directories"). */
function lookUp(opened: OpenedDescriptors, directory: MergedDirectory, name: string): Found | undefined {
  let found: Found | undefined;
  const merged: number[] = [];
  for (const parent of directory) {
    const fd = openBelow(opened, parent, name);
    if (fd === undefined) {
      // fuse-overlayfs writes such a file where mknod is refused.
      if (openBelow(opened, parent, `.wh.${name}`) !== undefined) break;
      continue;
    }
    const stat = fstatSync(fd);
    if (stat.isCharacterDevice() && stat.rdev === 0) break;
    if (!stat.isDirectory()) return found ?? { fd, stat, parent, merged };
    merged.push(fd);
    found ??= { fd, stat, parent, merged };
    if (parent !== directory.at(-1) && isOpaque(opened, fd)) break;
  }
  return found;
}

function isOpaque(opened: OpenedDescriptors, fd: number): boolean {
  // `/.` so that lgetxattr sees the directory and not the link in /proc.
  if (getXattr(`/proc/self/fd/${fd}/.`, 'user.overlay.opaque')?.toString() === 'y') return true;
  return openBelow(opened, fd, '.wh..wh..opq') !== undefined;
}

function openBelow(opened: OpenedDescriptors, parent: number, name: string): number | undefined {
  try {
    return opened.open(`/proc/self/fd/${parent}/${name}`, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    // ENAMETOOLONG: only for the `.wh.` form of a long name.
    if (['ENOENT', 'ENAMETOOLONG', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function readBounded(fd: number, path: string, maxBytes: number): Buffer {
  // The size may grow while we read: the buffer is what bounds it.
  const space = Buffer.alloc(Math.min(fstatSync(fd).size, maxBytes) + 1);
  let length = 0;
  for (let count = -1; count !== 0 && length < space.length; length += count) {
    count = readSync(fd, space, length, space.length - length, null);
  }
  if (length > maxBytes) throw new CtrError('INVALID', `${path} in the image is larger than ${maxBytes} bytes`);
  return space.subarray(0, length);
}
