/**
 * Write one layer into an empty directory in overlayfs' form (image-spec layer.md "Applying Changesets", "Whiteouts";
 * kernel Documentation/filesystems/overlayfs.rst "whiteouts and opaque directories").
 *
 * Should:  keep names, links, owners, modes, times, holes and attributes; let a later entry replace an earlier one.
 * Mustn't: touch anything outside, whatever the archive says: names are resolved in LayerTree, not by the kernel.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import { mknod, nodeTypes } from '../../linux/files.ts';
import { MetadataWriter, type OwnerMode } from './apply-metadata.ts';
import { type ByteString, fromText, quoted, toPath } from './byte-string.ts';
import {
  childPath,
  type DirectoryNode,
  escaping,
  invalid,
  type LayerNode,
  LayerTree,
  type LeafNode,
  type Owner,
  type Place,
  whiteoutPrefix,
} from './layer-tree.ts';
import { makeOpaque, makeWhiteout, removeWhiteout } from './overlay-marks.ts';
import { formatOwners, ownersBelow } from './owners.ts';
import type { TarEntry, TarSink } from './tar-reader.ts';

export interface UnpackSummary {
  readonly entries: number;
  /** Bytes of file content, holes not counted. */
  readonly bytes: number;
  /** Space that the tree takes, as du(1) counts it. */
  readonly sizeBytes: number;
  /** Device nodes (and sockets) cannot be made without root; containers get their own /dev. */
  readonly skippedDevices: number;
  readonly warnings: readonly string[];
  /** For the file `owners` beside the layer; '' when the disk tells everything. */
  readonly owners: string;
}

interface OpenFile {
  readonly fd: number;
  readonly place: Place;
  readonly path: ByteString;
  readonly entry: TarEntry;
  readonly madeMode: number;
  end: number;
}

const metaWhiteoutPrefix = '.wh..wh.';
const opaqueWhiteout = '.wh..wh..opq';
const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class LayerWriter implements TarSink {
  readonly #directory: ByteString;
  readonly #tree: LayerTree;
  readonly #metadata: MetadataWriter;
  readonly #directoryOwners = new Map<DirectoryNode, Owner>();
  readonly #umask = process.umask();
  #file: OpenFile | undefined;
  #entries = 0;
  #bytes = 0;
  #blocks = 0;
  #skippedDevices = 0;

  /** `directory` must exist, be empty and be private to the caller. */
  constructor(directory: string, owners: OwnerMode) {
    this.#directory = fromText(directory);
    this.#metadata = new MetadataWriter(owners);
    this.#tree = new LayerTree((place) => this.#makeDirectory(place, place.parent.children.get(place.base)));
  }

  entry(entry: TarEntry): void {
    this.#entries++;
    this.#named(entry.name, () => this.#place(entry));
  }

  data(bytes: Buffer, position: number): void {
    const file = this.#file;
    if (!file) return;
    this.#bytes += bytes.length;
    file.end = position + bytes.length;
    this.#named(file.entry.name, () => {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(file.fd, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  end(): void {
    const file = this.#file;
    if (!file) return;
    this.#named(file.entry.name, () => {
      if (file.end < file.entry.size) ftruncateSync(file.fd, file.entry.size);
      const { fd, path, entry, madeMode } = file;
      const owner = this.#metadata.apply({ kind: 'file', path, name: entry.name, fd, madeMode }, entry);
      this.#keep(file.place, { kind: 'file', owner });
      this.#blocks += fstatSync(fd).blocks;
    });
    this.abandon();
  }

  /** Put the directories' own metadata on, which making entries in them would have changed. */
  finish(): UnpackSummary {
    this.#finishDirectory(this.#tree.root);
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      sizeBytes: this.#blocks * 512,
      skippedDevices: this.#skippedDevices,
      warnings: [...this.#metadata.warnings.values()],
      owners: formatOwners(ownersBelow(this.#tree.root, (directory) => this.#directoryOwners.get(directory))),
    };
  }

  /** Close the file at hand: the archive stopped or was refused. */
  abandon(): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #place(entry: TarEntry): void {
    const place = this.#tree.locate(entry.name);
    if (!place) {
      if (entry.type !== 'directory') throw invalid(entry.name, 'would replace the root directory');
      this.#tree.root.metadata = entry;
    } else if (place.base.startsWith(whiteoutPrefix)) this.#whiteout(place, entry);
    else this.#make(place, entry);
  }

  #make(place: Place, entry: TarEntry): void {
    const existing = place.parent.children.get(place.base);
    if (entry.type === 'directory') {
      const directory = existing?.kind === 'directory' ? existing : this.#makeDirectory(place, existing);
      directory.metadata = entry;
      return;
    }
    if (entry.type === 'unknown') throw invalid(entry.name, 'is of a kind that no container image has');
    // A link to itself would otherwise be removed before it is found.
    const link = entry.type === 'hardlink' ? this.#linkTarget(place, entry) : undefined;
    if (link && link.node === existing) return;
    if (existing) this.#remove(place, existing);
    if (link) this.#link(place, link);
    else this.#makeLeaf(place, entry);
  }

  #makeLeaf(place: Place, entry: TarEntry): void {
    const path = this.#pathOf(place);
    switch (entry.type) {
      case 'file': {
        const madeMode = entry.mode & 0o777 & ~this.#umask;
        const fd = openSync(toPath(path), createNew, madeMode);
        this.#file = { fd, place, path, entry, madeMode, end: 0 };
        // Known from now on, so that a failure half-way and a later entry both find it.
        this.#keep(place, { kind: 'file' });
        return;
      }
      case 'symlink': {
        if (entry.linkName === '' || entry.linkName.includes('\0'))
          throw invalid(entry.name, 'is a symlink to nowhere');
        symlinkSync(toPath(entry.linkName), toPath(path));
        const owner = this.#metadata.apply({ kind: 'symlink', path, name: entry.name, madeMode: 0o777 }, entry);
        this.#keep(place, { kind: 'symlink', target: entry.linkName, owner });
        return;
      }
      case 'fifo': {
        const madeMode = entry.mode & 0o777 & ~this.#umask;
        mknod(toPath(path), nodeTypes.fifo | madeMode, { major: 0, minor: 0 });
        const owner = this.#metadata.apply({ kind: 'fifo', path, name: entry.name, madeMode }, entry);
        this.#keep(place, { kind: 'fifo', owner });
        return;
      }
      default:
        this.#device(place, entry);
    }
  }

  #device(place: Place, { type, device }: TarEntry): void {
    if (type === 'character' && device.major === 0 && device.minor === 0) {
      this.#makeWhiteout(place);
      return;
    }
    this.#skippedDevices++;
    this.#keep(place, { kind: 'skipped' });
  }

  #linkTarget(place: Place, entry: TarEntry): { node: LeafNode; path: ByteString } {
    if (entry.linkName.includes('\0')) throw invalid(entry.name, 'has a NUL in its link');
    if (entry.linkName.split('/').includes('..')) {
      throw escaping(entry.name, `is a hard link to ${quoted(entry.linkName)}`);
    }
    const found = this.#tree.find(entry.linkName, entry.name);
    const node = found?.parent.children.get(found.base);
    if (!found || !node || node.kind === 'directory' || node.kind === 'whiteout') {
      throw invalid(entry.name, `is a hard link to ${quoted(entry.linkName)}, which is no file of this layer`);
    }
    return { node, path: found.parent === place.parent && found.base === place.base ? '' : this.#pathOf(found) };
  }

  #link(place: Place, { node, path }: { node: LeafNode; path: ByteString }): void {
    if (node.kind === 'skipped') this.#skippedDevices++;
    else linkSync(toPath(path), toPath(this.#pathOf(place)));
    this.#keep(place, node);
  }

  /** A whiteout hides what lower layers have; what this layer itself has stays (layer.md "Whiteouts"). */
  #whiteout({ parent, base }: Place, entry: TarEntry): void {
    if (base === opaqueWhiteout) {
      parent.isOpaque = true;
      return;
    }
    if (base.startsWith(metaWhiteoutPrefix)) return;
    const hidden = base.slice(whiteoutPrefix.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw invalid(entry.name, 'is a whiteout of no name');
    const existing = parent.children.get(hidden);
    if (existing?.kind === 'directory') existing.isOpaque = true;
    else if (!existing) this.#makeWhiteout({ parent, base: hidden });
  }

  #makeWhiteout(place: Place): void {
    makeWhiteout(this.#pathOf(place));
    this.#keep(place, { kind: 'whiteout' });
  }

  /** A directory over a whiteout hides the lower one's content: it becomes opaque. */
  #makeDirectory(place: Place, existing: LayerNode | undefined): DirectoryNode {
    if (existing) this.#remove(place, existing);
    const path = childPath(place);
    mkdirSync(toPath(this.#pathOf(place)), 0o755);
    const node: DirectoryNode = { kind: 'directory', path, parent: place.parent, children: new Map() };
    if (existing?.kind === 'whiteout') node.isOpaque = true;
    place.parent.children.set(place.base, node);
    return node;
  }

  #remove(place: Place, node: LayerNode): void {
    const path = this.#pathOf(place);
    if (node.kind === 'directory') {
      for (const [base, child] of [...node.children]) this.#remove({ parent: node, base }, child);
      rmdirSync(toPath(path));
    } else if (node.kind === 'whiteout') removeWhiteout(path);
    else if (node.kind !== 'skipped') unlinkSync(toPath(path));
    this.#tree.forget(place);
  }

  #finishDirectory(directory: DirectoryNode): void {
    for (const child of directory.children.values()) if (child.kind === 'directory') this.#finishDirectory(child);
    const { path: name, metadata } = directory;
    const path = name === '' ? this.#directory : `${this.#directory}/${name}`;
    this.#named(name, () => {
      this.#blocks += lstatSync(toPath(path)).blocks;
      if (directory.isOpaque) makeOpaque(path);
      // The layer's own directory was made by the caller: its mode is not known here.
      const madeMode = name === '' ? -1 : 0o755 & ~this.#umask;
      if (!metadata) {
        // A parent that the archive does not have is root's and 0755.
        if (madeMode !== 0o755) chmodSync(toPath(path), 0o755);
        return;
      }
      const owner = this.#metadata.apply({ kind: 'directory', path, name, madeMode }, metadata);
      if (owner) this.#directoryOwners.set(directory, owner);
    });
  }

  #keep({ parent, base }: Place, node: LeafNode): void {
    parent.children.set(base, node);
  }

  #pathOf(place: Place): ByteString {
    return `${this.#directory}/${childPath(place)}`;
  }

  /** Name the entry in whatever the kernel says. */
  #named(name: ByteString, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof CtrError) throw error;
      const errno = errnoOf(error);
      if (errno === 'ENOSPC' || errno === 'EDQUOT') {
        throw new CtrError('NO_SPACE', `no space left to unpack ${quoted(name)}`, {
          cause: error,
          hint: 'free some space; `ctr system df` shows what images and containers take',
        });
      }
      throw new CtrError(
        errno === 'EPERM' || errno === 'EACCES' ? 'DENIED' : 'INVALID',
        `cannot unpack ${quoted(name)}`,
        {
          cause: error,
        },
      );
    }
  }
}
