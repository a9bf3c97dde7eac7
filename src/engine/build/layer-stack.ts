/**
 * Stacked layers as one tree, without a mount: what overlayfs would show ("whiteouts and opaque directories" in the
 * kernel's documentation). Nothing is followed by the kernel: every component is looked at with lstat and symlinks are
 * resolved here, with the root of the stack as `/`. The trees are at rest: published layers, a context, a staged layer
 * that only its maker writes to.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import { type ByteString, quoted, toPath } from '../../image/layer/byte-string.ts';
import { getXattr } from '../../linux/files.ts';

/** The directories of one name, uppermost layer first. */
export type Merged = readonly ByteString[];

export interface StackEntry {
  readonly name: ByteString;
  /** Where it is on the disk: the uppermost one. */
  readonly path: ByteString;
  readonly stat: Stats;
  /** Of a directory; empty for anything else. */
  readonly merged: Merged;
}

export interface ResolveOptions {
  /** What the tree is called in errors. */
  readonly what: string;
  /** A directory of the user's: a symlink that leads out and finds nothing inside is worth its own error. */
  readonly confined?: boolean;
}

/** path_resolution(7). */
const maxSymlinks = 40;

/** What is called `name` in a directory; undefined when nothing is. */
export function entryIn(directory: Merged, name: ByteString): StackEntry | undefined {
  const merged: ByteString[] = [];
  let found: { path: ByteString; stat: Stats } | undefined;
  for (const layer of directory) {
    const path = `${layer}/${name}`;
    const stat = statOf(path);
    if (!stat) {
      if (directory.length > 1 && statOf(`${layer}/.wh.${name}`)) break;
      continue;
    }
    if (stat.isCharacterDevice() && stat.rdev === 0) break;
    if (!stat.isDirectory()) return found ? { name, ...found, merged } : { name, path, stat, merged: [] };
    merged.push(path);
    found ??= { path, stat };
    if (layer !== directory.at(-1) && isOpaque(path)) break;
  }
  return found && { name, ...found, merged };
}

/** Everything in a directory, in the order of the names' bytes. */
export function entriesIn(directory: Merged): StackEntry[] {
  const [only] = directory;
  if (directory.length === 1 && only !== undefined) {
    return namesIn(only).flatMap((name) => entryIn(directory, name) ?? []);
  }
  const names = new Set(directory.flatMap(namesIn));
  return [...names].sort().flatMap((name) => (name.startsWith('.wh.') ? [] : (entryIn(directory, name) ?? [])));
}

/** The entry at `path`, its symlinks followed (the last one only if `followLast`); undefined when there is none. */
export function resolveIn(
  root: Merged,
  path: ByteString,
  options: ResolveOptions,
  followLast = true,
): StackEntry | undefined {
  const rest = componentsOf(path);
  const parents: StackEntry[] = [rootEntry(root)];
  let links = 0;
  let leadsOut = false;
  const nothing = () => {
    if (options.confined && leadsOut) throw escapes(path, options);
    return undefined;
  };
  while (rest.length > 0) {
    const name = rest.shift() ?? '';
    if (name === '..') {
      if (parents.length === 1) leadsOut = true;
      if (parents.length > 1) parents.pop();
      continue;
    }
    const found = entryIn(parents.at(-1)?.merged ?? root, name);
    if (!found) return nothing();
    if (found.stat.isSymbolicLink() && (rest.length > 0 || followLast)) {
      if (++links > maxSymlinks) throw new CtrError('INVALID', `${quoted(path)}: too many symlinks in ${options.what}`);
      const target = readlinkSync(toPath(found.path), 'latin1');
      if (target.startsWith('/')) {
        leadsOut = true;
        parents.length = 1;
      }
      rest.unshift(...componentsOf(target));
    } else if (found.stat.isDirectory()) parents.push(found);
    else return rest.length === 0 ? found : nothing();
  }
  return parents.at(-1);
}

export const componentsOf = (path: ByteString): ByteString[] =>
  path.split('/').filter((name) => name !== '' && name !== '.');

export function rootEntry(root: Merged): StackEntry {
  const [path = ''] = root;
  return { name: '', path, stat: lstatSync(toPath(path)), merged: root };
}

/** Nothing is read there, whatever there is. */
export function escapes(path: ByteString, { what }: Pick<ResolveOptions, 'what'>): CtrError {
  return new CtrError(
    'ESCAPE',
    `${quoted(path)}: the path leads out of ${what}, and inside there is nothing of that name`,
    {
      hint: 'copy the file into the context, or name its directory with --build-context',
    },
  );
}

function namesIn(path: ByteString): ByteString[] {
  try {
    return readdirSync(toPath(path), { encoding: 'latin1' }).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export const statOf = (path: ByteString) => {
  try {
    return lstatSync(toPath(path), { throwIfNoEntry: false });
  } catch (error) {
    // ENAMETOOLONG: only for the `.wh.` form of a long name.
    if (['ENAMETOOLONG', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
};

export function isOpaque(path: ByteString): boolean {
  return (
    getXattr(toPath(path), 'user.overlay.opaque')?.toString() === 'y' || statOf(`${path}/.wh..wh..opq`) !== undefined
  );
}
