/**
 * What one layer has made so far: the first wall against archives that reach outside. The directory starts empty and
 * nobody else writes to it, so this tree knows it completely: a parent is valid only when each component is a
 * directory that was made here. The kernel is never asked to follow a name from an archive through a symlink.
 */
import { CtrError } from '../../base/ctr-error.ts';
import type { Timespec } from '../../linux/files.ts';
import { type ByteString, quoted } from './byte-string.ts';
import type { Xattr } from './tar-reader.ts';

export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timespec;
  readonly xattrs: readonly Xattr[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  /** Below the layer's directory, without symlinks; '' for the layer's directory itself. */
  readonly path: ByteString;
  readonly parent: DirectoryNode | undefined;
  readonly children: Map<ByteString, LayerNode>;
  /** Put on when the layer is complete, because making entries changes times. Absent for implied parents. */
  metadata?: Metadata;
  isOpaque?: boolean;
}

/** `skipped` is a device or socket: known, so that links to it are skipped too, but not on the disk. */
export interface LeafNode {
  readonly kind: 'file' | 'symlink' | 'fifo' | 'whiteout' | 'skipped';
  readonly target?: ByteString;
  /** Single-id mode only: who should own it. */
  readonly owner?: Owner | undefined;
}

export type LayerNode = DirectoryNode | LeafNode;

export interface Place {
  readonly parent: DirectoryNode;
  readonly base: ByteString;
}

const maxLinks = 40;
export const whiteoutPrefix = '.wh.';
const noLonger = 'the archive is hostile or damaged: nothing of it was kept; use another image or tell its maker';

export class LayerTree {
  readonly root: DirectoryNode = { kind: 'directory', path: '', parent: undefined, children: new Map() };
  readonly #makeDirectory: (place: Place) => DirectoryNode;
  #recent: { readonly name: ByteString; readonly directory: DirectoryNode } = { name: '', directory: this.root };

  /** `makeDirectory` makes a parent that the archive does not have, or one over a whiteout. */
  constructor(makeDirectory: (place: Place) => DirectoryNode) {
    this.#makeDirectory = makeDirectory;
  }

  /** Where `name` belongs; missing parents are made. Undefined for the layer's directory itself. */
  locate(name: ByteString): Place | undefined {
    const { parentName, base } = split(name);
    if (base === '') return undefined;
    if (this.#recent.name === parentName) return { parent: this.#recent.directory, base };
    const parent = this.#walk(parentName, name, this.#makeDirectory);
    if (!parent) return undefined;
    this.#recent = { name: parentName, directory: parent };
    return { parent, base };
  }

  /** Where the target of a hard link is, or undefined when this layer has not made it. */
  find(target: ByteString, entryName: ByteString): Place | undefined {
    const { parentName, base } = split(target);
    const parent = this.#walk(parentName, entryName, () => undefined);
    return parent?.children.has(base) ? { parent, base } : undefined;
  }

  /** Forget `base`, because it is removed or replaced. */
  forget({ parent, base }: Place): void {
    parent.children.delete(base);
    this.#recent = { name: '', directory: this.root };
  }

  #walk<Missing extends undefined | DirectoryNode>(
    path: ByteString,
    entryName: ByteString,
    whenMissing: (place: Place) => Missing,
  ): DirectoryNode | Missing {
    let at = this.root;
    let links = 0;
    const pending = path.split('/').reverse();
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        // Only from a link's target: `split` refuses it in names.
        if (!at.parent) throw escaping(entryName, 'goes through a symlink that climbs above the root');
        at = at.parent;
        continue;
      }
      const child = at.children.get(part);
      if (child?.kind === 'symlink') {
        if (++links > maxLinks) throw invalid(entryName, 'goes through a circle of symlinks');
        pending.push(...followed(child, entryName));
        continue;
      }
      const next = child?.kind === 'directory' ? child : this.#step({ parent: at, base: part }, entryName, whenMissing);
      if (!next) return next;
      at = next;
    }
    return at;
  }

  #step<Missing>({ parent, base }: Place, entryName: ByteString, whenMissing: (place: Place) => Missing): Missing {
    const child = parent.children.get(base);
    if (child && child.kind !== 'whiteout') throw invalid(entryName, `is below ${quoted(base)}, which is no directory`);
    if (base.startsWith(whiteoutPrefix)) throw invalid(entryName, 'is below a whiteout');
    return whenMissing({ parent, base });
  }
}

export const childPath = ({ parent, base }: Place): ByteString =>
  parent.path === '' ? base : `${parent.path}/${base}`;

function followed(link: LeafNode, entryName: ByteString): ByteString[] {
  const target = link.target ?? '';
  if (target.startsWith('/')) throw escaping(entryName, `goes through a symlink to ${quoted(target)}`);
  return target.split('/').reverse();
}

/** A leading `/` is dropped, as Docker does; `.` and empty components mean nothing. */
function split(name: ByteString): { parentName: ByteString; base: ByteString } {
  if (name.includes('\0')) throw invalid(name, 'has a NUL in its name');
  const start = name.startsWith('./') ? name.slice(2) : name;
  const clean = /(^|\/)\.{0,2}(\/|$)/.test(start) ? cleaned(name) : start;
  const slash = clean.lastIndexOf('/');
  return { parentName: slash < 0 ? '' : clean.slice(0, slash), base: clean.slice(slash + 1) };
}

function cleaned(name: ByteString): ByteString {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw escaping(name, 'has ".." in its name');
  return parts.join('/');
}

export function escaping(name: ByteString, why: string): CtrError {
  return new CtrError('ESCAPE', `the layer's entry ${quoted(name)} ${why}`, { hint: noLonger });
}

export function invalid(name: ByteString, why: string): CtrError {
  return new CtrError('INVALID', `the layer's entry ${quoted(name)} ${why}`, { hint: noLonger });
}
