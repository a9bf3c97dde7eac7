/**
 * The files of a COPY, ADD or WORKDIR, written into a new layer (an upper directory that nothing is mounted on). Names
 * are resolved in the layer and in what lies below it, as overlayfs would show them. Runs in the user namespace, where
 * the owners are at home; with a single id they are written down beside the layer.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import { applyModeChange, type ModeChange, parseModeChange } from '../../build/mode-change.ts';
import { isImageXattr } from '../../image/layer/apply-metadata.ts';
import { type ByteString, fromText, quoted, toPath } from '../../image/layer/byte-string.ts';
import type { Owner } from '../../image/layer/layer-tree.ts';
import { getXattr, listXattrs, mknod, nodeTypes, setXattr } from '../../linux/files.ts';
import { componentsOf, entryIn, type Merged, resolveIn, type StackEntry } from './layer-stack.ts';
import { OwnerBook } from './owner-book.ts';
import { allMatches, filterFor, hasWildcard, type Match, walkMatch } from './source-walk.ts';
import type { CopyOrder, DirectoryOrder, PlaceOrder } from './worker-orders.ts';

export class LayerPlacer {
  readonly #target: ByteString;
  readonly #below: Merged;
  readonly #order: PlaceOrder;
  readonly owners: OwnerBook;

  constructor(order: PlaceOrder) {
    this.#order = order;
    this.#target = fromText(order.target);
    this.#below = order.lower.map(fromText);
    this.owners = new OwnerBook(order.isSingle ? order.lower : undefined);
  }

  run(): void {
    for (const step of this.#order.steps) {
      if (step.kind === 'directory') this.#makeDirectory(step);
      else new Copying(this, step).run();
    }
  }

  /** The tree as the layer will make it. */
  get root(): Merged {
    return [this.#target, ...this.#below];
  }

  /** What `path` is, the last symlink followed. */
  look(path: ByteString): StackEntry | undefined {
    return resolveIn(this.root, path, { what: 'the image' });
  }

  /** The directory `path` in this layer, made with its parents; new ones belong to `owner`. */
  ensure(path: ByteString, owner: Owner = { uid: 0, gid: 0, mode: 0o755 }): Merged {
    const rest = componentsOf(path);
    const parents: Merged[] = [this.root];
    const names: ByteString[] = [];
    let links = 0;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '..') {
        if (parents.length > 1) parents.pop();
        names.pop();
        continue;
      }
      const found = entryIn(parents.at(-1) ?? this.root, name);
      if (found?.stat.isSymbolicLink()) {
        if (++links > 40) throw new CtrError('INVALID', `${quoted(path)}: too many symlinks in the image`);
        const target = readlinkSync(toPath(found.path), 'latin1');
        if (target.startsWith('/')) {
          parents.length = 1;
          names.length = 0;
        }
        rest.unshift(...componentsOf(target));
        continue;
      }
      names.push(name);
      parents.push(this.#ensureOne(names.join('/'), found, owner));
    }
    return parents.at(-1) ?? this.root;
  }

  /** Merged directories of `name` (already without symlinks) whose first is in this layer. */
  #ensureOne(name: ByteString, found: StackEntry | undefined, owner: Owner): Merged {
    const own = `${this.#target}/${name}`;
    if (!found) {
      mkdirSync(toPath(own), { mode: 0o755 });
      this.own(own, owner);
      return [own];
    }
    if (found.merged.length === 0) {
      throw new CtrError('INVALID', `/${Buffer.from(name, 'latin1')} of the image is a file, not a directory`);
    }
    if (found.path === own) return found.merged;
    mkdirSync(toPath(own), { mode: 0o700 });
    this.likeOf(found, own);
    const { atimeMs, mtimeMs } = found.stat;
    lutimesSync(toPath(own), atimeMs / 1000, mtimeMs / 1000);
    return [own, ...found.merged];
  }

  /** Owner, attributes and mode of what is copied up. */
  likeOf(found: StackEntry, own: ByteString): void {
    const recorded = this.owners.lower(found.path);
    for (const attribute of listXattrs(toPath(found.path)).filter(isImageXattr)) {
      const value = getXattr(toPath(found.path), attribute);
      if (value) setXattr(toPath(own), attribute, value);
    }
    const mode = recorded?.mode ?? found.stat.mode & 0o7777;
    this.own(own, { uid: recorded?.uid ?? found.stat.uid, gid: recorded?.gid ?? found.stat.gid, mode });
  }

  /** Owner before mode: chown(2) clears the set-id bits. */
  own(path: ByteString, { uid, gid, mode }: Owner, keepMode = false): void {
    if (this.#order.isSingle) this.owners.record(path.slice(this.#target.length + 1), { uid, gid, mode });
    // Always: copyFileSync has given it the source's owner, as far as it was allowed to.
    else lchownSync(toPath(path), uid, gid);
    if (!keepMode) chmodSync(toPath(path), mode);
  }

  #makeDirectory({ path, uid, gid, mode }: DirectoryOrder): void {
    this.ensure(fromText(path), { uid, gid, mode });
  }
}

/** One COPY or ADD. */
class Copying {
  readonly #placer: LayerPlacer;
  readonly #order: CopyOrder;
  readonly #mode: ModeChange | undefined;
  readonly #links = new Map<string, ByteString>();
  /** Directories of this layer that files go into, by the path that they were asked for. */
  readonly #parents = new Map<ByteString, Merged>();
  readonly #sourceOwners: OwnerBook;

  constructor(placer: LayerPlacer, order: CopyOrder) {
    this.#placer = placer;
    this.#order = order;
    this.#mode = order.chmod === undefined ? undefined : parseModeChange(order.chmod);
    this.#sourceOwners = new OwnerBook(order.isSingle && !order.tree.isContext ? order.tree.layers : undefined);
  }

  run(): void {
    const { tree, paths, exclude } = this.#order;
    const filter = filterFor(tree, exclude);
    const found = allMatches(tree, paths, filter);
    const isDirectory = this.#intoDirectory(found.flat());
    for (const [index, matches] of found.entries()) {
      for (const match of matches) {
        const destination = this.#order.parents ? this.#keptParents(paths[index] ?? '', match) : undefined;
        for (const { entry, name } of walkMatch(match, filter)) {
          this.#place(entry, this.#nameFor(match, name, isDirectory, destination), name === '');
        }
      }
    }
  }

  /** Whether files go below the destination's name, or take it. */
  #intoDirectory(matches: readonly Match[]): boolean {
    const { destination, paths, parents } = this.#order;
    const isSeveral = paths.length > 1 || matches.length > 1;
    if (parents || destination.endsWith('/') || isSeveral || paths.some((path) => hasWildcard(path))) return true;
    return (this.#placer.look(fromText(destination))?.merged.length ?? 0) > 0;
  }

  /** A directory's content goes into the destination, a file below or in its place. */
  #nameFor(match: Match, name: ByteString, isDirectory: boolean, kept: ByteString | undefined): ByteString {
    const destination = fromText(this.#order.destination);
    if (kept !== undefined) return [destination, kept, name].filter((part) => part !== '').join('/');
    if (match.merged.length > 0) return name === '' ? destination : `${destination}/${name}`;
    return isDirectory ? `${destination}/${match.name}` : destination;
  }

  /** `--parents`: the whole path, or what stands behind `/./` in the source. */
  #keptParents(source: string, match: Match): ByteString {
    const pivot = fromText(source).indexOf('/./');
    if (pivot < 0) return match.at;
    const dropped = componentsOf(fromText(source).slice(0, pivot)).length;
    return match.at.split('/').slice(dropped).join('/');
  }

  #place(entry: StackEntry, path: ByteString, isTop: boolean): void {
    const slash = path.lastIndexOf('/');
    if (entry.merged.length > 0) return this.#placeDirectory(entry, path, isTop);
    const base = path.slice(slash + 1);
    const parent = this.#parentOf(path.slice(0, Math.max(0, slash)));
    const existing = entryIn(parent, base);
    if (existing && existing.merged.length > 0) {
      throw new CtrError('INVALID', `${quoted(path)} is a directory of the image, and the source is a file`);
    }
    const [directory = ''] = parent;
    const own = `${directory}/${base}`;
    if (existing?.path === own) rmSync(toPath(own), { force: true });
    this.#make(entry, own);
  }

  #parentOf(path: ByteString): Merged {
    const known = this.#parents.get(path) ?? this.#placer.ensure(path, this.#parentOwner());
    this.#parents.set(path, known);
    return known;
  }

  /**
   * BuildKit copies what is in the source: the destination itself is made like any parent, or stays as it is. Only an
   * archive says what its root directory is like.
   */
  #placeDirectory(entry: StackEntry, path: ByteString, isTop: boolean): void {
    const isMade = this.#order.tree.isArchive === true && !this.#placer.look(path);
    if (isTop && !this.#order.parents && !isMade) {
      this.#placer.ensure(path, this.#parentOwner());
      return;
    }
    const [own = ''] = this.#placer.ensure(path, this.#ownerOf(entry));
    this.#attributes(entry, own);
    if (path !== '') this.#placer.own(own, this.#ownerOf(entry));
  }

  #make(entry: StackEntry, own: ByteString): void {
    const { stat } = entry;
    const inode = `${stat.dev}:${stat.ino}`;
    const first = stat.nlink > 1 && !this.#order.tree.isContext ? this.#links.get(inode) : undefined;
    if (first !== undefined) return linkSync(toPath(first), toPath(own));
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(toPath(entry.path), { encoding: 'buffer' }), toPath(own));
    else if (stat.isFile()) {
      copyFileSync(toPath(entry.path), toPath(own), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } else if (stat.isFIFO()) mknod(toPath(own), nodeTypes.fifo | 0o600, { major: 0, minor: 0 });
    else throw new CtrError('UNSUPPORTED', `${quoted(entry.path)}: sockets and devices are not copied`);
    this.#attributes(entry, own);
    const owner = this.#ownerOf(entry);
    // The copy has the source's mode; chown(2) takes set-id bits away again.
    const isRight = stat.isFile() && owner.mode === (stat.mode & 0o7777) && (owner.mode & 0o6000) === 0;
    this.#placer.own(own, owner, isRight || stat.isSymbolicLink());
    if (stat.nlink > 1) this.#links.set(inode, own);
    // What an image has keeps its time; what a context has is new (build-times.ts).
    if (!this.#order.tree.isContext) lutimesSync(toPath(own), stat.atimeMs / 1000, stat.mtimeMs / 1000);
  }

  #attributes(entry: StackEntry, own: ByteString): void {
    if (this.#order.tree.isContext) return;
    for (const attribute of listXattrs(toPath(entry.path)).filter(isImageXattr)) {
      const value = getXattr(toPath(entry.path), attribute);
      if (value) setXattr(toPath(own), attribute, value);
    }
  }

  #ownerOf({ stat, path }: StackEntry): Owner {
    const { tree, owner } = this.#order;
    const recorded = this.#sourceOwners.lower(path);
    const kept = tree.isContext ? { uid: 0, gid: 0 } : (recorded ?? stat);
    const { uid, gid } = owner ?? kept;
    const mode = recorded?.mode ?? stat.mode & 0o7777;
    return { uid, gid, mode: this.#mode ? applyModeChange(this.#mode, mode, stat.isDirectory()) : mode };
  }

  #parentOwner(): Owner {
    const { owner, isLinked } = this.#order;
    return { uid: isLinked ? 0 : (owner?.uid ?? 0), gid: isLinked ? 0 : (owner?.gid ?? 0), mode: 0o755 };
  }
}
