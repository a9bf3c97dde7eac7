/**
 * A streaming reader of tar archives that keeps every byte (POSIX.1-2001 pax; GNU tar manual "Basic Tar Format"):
 * v7, ustar, PAX local and global headers, GNU long names, GNU sparse files. Chunks go in by `push`, in whatever
 * pieces they come; entries come out by calls on a TarSink. File data is handed on as slices of the chunk, uncopied.
 *
 * tar-stream decodes PAX as UTF-8, which destroys binary attributes and other names, and knows no sparse files.
 *
 * Mustn't: judge names or know of whiteouts (that is unpack.ts); keep more than maxMeta bytes for any header.
 */
import { CtrError } from '../../base/ctr-error.ts';
import type { Timespec } from '../../linux/files.ts';
import { type ByteString, quoted } from './byte-string.ts';
import { decodePax, type PaxRecord, paxNumber, paxTime, xattrPrefix } from './pax.ts';
import { checkSegments, decodeMapInData, decodeOldGnuSegments, paxSparse, type Segment } from './sparse.ts';
import { blockSize, decodeHeader, deviceNumbers, number, type TarHeader } from './tar-header.ts';

export type EntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo' | 'unknown';

const entryTypes: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

export interface Xattr {
  readonly name: ByteString;
  readonly value: Buffer;
}

export interface TarEntry {
  readonly name: ByteString;
  readonly type: EntryType;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The file's size, holes included. */
  readonly size: number;
  readonly mtime: Timespec;
  readonly device: { readonly major: number; readonly minor: number };
  readonly xattrs: readonly Xattr[];
}

/** Each entry is one `entry`, any number of `data` in ascending positions, and one `end`. */
export interface TarSink {
  entry(entry: TarEntry): void;
  data(bytes: Buffer, position: number): void;
  end(): void;
}

const maxMeta = 1024 * 1024;
const maxName = 64 * 1024;
const noXattrs: readonly Xattr[] = [];
const noDevice = { major: 0, minor: 0 };

export class TarReader {
  readonly #sink: TarSink;
  /** What is to be done with the next `#wanted` bytes once they are together. */
  #next: (bytes: Buffer) => void = this.#header;
  #wanted = blockSize;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** Bytes of file data, then of padding, before the next header. */
  #bodyLeft = 0;
  #skipLeft = 0;
  #segments: Segment[] = [];
  #position = 0;
  #segmentLeft = 0;
  #inEntry = false;
  #global = new Map<ByteString, ByteString>();
  #local: PaxRecord[] | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #zeroBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Take the next piece of the archive. Bytes after the end marker are ignored, as every tar does. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#zeroBlocks < 2; ) {
      if (this.#bodyLeft > 0) at = this.#body(chunk, at);
      else if (this.#skipLeft > 0) at = this.#skip(chunk, at);
      else at = this.#gather(chunk, at);
    }
  }

  /** The archive has ended. Throws within an entry; tells whether the end marker was there. */
  finish(): 'marked' | 'unmarked' {
    const isBetween =
      !this.#inEntry && this.#skipLeft === 0 && this.#gatheredBytes === 0 && this.#next === this.#header;
    if (this.#zeroBlocks === 2) return 'marked';
    if (!isBetween || this.#local || this.#longName !== undefined || this.#longLink !== undefined) {
      throw new CtrError('INVALID', 'the layer is truncated: its tar archive ends within an entry');
    }
    return 'unmarked';
  }

  #gather(chunk: Buffer, at: number): number {
    const missing = this.#wanted - this.#gatheredBytes;
    const end = Math.min(at + missing, chunk.length);
    const piece = chunk.subarray(at, end);
    if (this.#gatheredBytes === 0 && piece.length === missing) {
      this.#next(piece);
      return end;
    }
    this.#gathered.push(piece);
    this.#gatheredBytes += piece.length;
    if (this.#gatheredBytes === this.#wanted) {
      const whole = Buffer.concat(this.#gathered);
      this.#gathered = [];
      this.#gatheredBytes = 0;
      this.#next(whole);
    }
    return end;
  }

  #expect(wanted: number, next: (bytes: Buffer) => void): void {
    this.#wanted = wanted;
    this.#next = next;
  }

  #header(block: Buffer): void {
    const header = decodeHeader(block);
    if (!header) {
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks > 0) throw new CtrError('INVALID', 'the layer has a lone block of zeros within its archive');
    if (header.size < 0) throw new CtrError('INVALID', `the layer's entry ${quoted(header.name)} has a negative size`);
    if ('xgLK'.includes(header.flag)) this.#expectMeta(header);
    else this.#begin(header, block);
  }

  #expectMeta({ flag, size }: TarHeader): void {
    const limit = flag === 'L' || flag === 'K' ? maxName : maxMeta;
    if (size > limit)
      throw new CtrError('INVALID', `the layer has a header of ${size} bytes; at most ${limit} are read`);
    const take = (bytes: Buffer) => {
      this.#expect(blockSize, this.#header);
      this.#meta(flag, bytes.subarray(0, size));
    };
    if (size === 0) take(Buffer.alloc(0));
    else this.#expect(padded(size), take);
  }

  #meta(flag: string, bytes: Buffer): void {
    if (flag === 'x') this.#local = decodePax(bytes);
    else if (flag === 'g') for (const [key, value] of decodePax(bytes)) this.#global.set(key, value);
    else {
      const end = bytes.indexOf(0);
      const name = bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
      if (flag === 'L') this.#longName = name;
      else this.#longLink = name;
    }
  }

  /** A header of a real entry: put together what the headers before it said, and find out where its data goes. */
  #begin(header: TarHeader, block: Buffer): void {
    const local = this.#local ?? [];
    const named = {
      ...header,
      name: this.#longName ?? header.name,
      linkName: this.#longLink ?? header.linkName,
    };
    this.#local = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    const entry = withPax(named, block, [...this.#global, ...local]);
    const sparse = local.length > 0 ? paxSparse(local) : undefined;
    if (entry.name.length > maxName || entry.linkName.length > maxName) {
      throw new CtrError('INVALID', `the layer's entry ${quoted(entry.name)} has a name of more than ${maxName} bytes`);
    }
    if (header.flag === 'S') this.#beginOldGnuSparse(entry, block);
    else if (!sparse) this.#start(entry, entry.size, undefined);
    else {
      const real = { ...entry, name: sparse.name ?? entry.name, size: sparse.realSize ?? entry.size };
      if (sparse.segments === 'in the data') this.#readMapInData(real, entry.size, Buffer.alloc(0));
      else this.#start(real, entry.size, [...sparse.segments]);
    }
  }

  #beginOldGnuSparse(entry: TarEntry, block: Buffer): void {
    const real = { ...entry, size: number(block, 483, 12, entry.name) };
    const segments = decodeOldGnuSegments(block, 386, 4, entry.name);
    const extend = (extension: Buffer) => {
      segments.push(...decodeOldGnuSegments(extension, 0, 21, entry.name));
      if (segments.length > maxMeta / 24) throw new CtrError('INVALID', `${quoted(entry.name)} has too many holes`);
      if (extension[504] === 0) this.#start(real, entry.size, segments);
    };
    if (block[482] === 0) this.#start(real, entry.size, segments);
    else this.#expect(blockSize, extend);
  }

  #readMapInData(entry: TarEntry, stored: number, before: Buffer): void {
    if (stored < blockSize || before.length >= maxMeta) {
      throw new CtrError('INVALID', `the layer's sparse file ${quoted(entry.name)} has no end to its map of holes`);
    }
    this.#expect(blockSize, (block) => {
      const blocks = Buffer.concat([before, block]);
      const segments = decodeMapInData(blocks);
      if (segments) this.#start(entry, stored - blockSize, segments);
      else this.#readMapInData(entry, stored - blockSize, blocks);
    });
  }

  #start(entry: TarEntry, stored: number, segments: Segment[] | undefined): void {
    // Only files have data; other types with a size are read as Go's archive/tar does: header only.
    const body = entry.type === 'file' || entry.type === 'unknown' ? stored : 0;
    if (segments) checkSegments(segments, { real: entry.size, stored: body }, entry.name);
    this.#expect(blockSize, this.#header);
    this.#segments = (segments ?? [{ offset: 0, length: body }]).filter(({ length }) => length > 0).reverse();
    this.#segmentLeft = 0;
    this.#bodyLeft = body;
    this.#skipLeft = padded(body) - body;
    this.#inEntry = true;
    this.#sink.entry(entry);
    if (body === 0) this.#end();
  }

  #body(chunk: Buffer, at: number): number {
    if (this.#segmentLeft === 0) {
      const segment = this.#segments.pop();
      if (!segment) throw new CtrError('INTERNAL', 'file data without a segment');
      this.#position = segment.offset;
      this.#segmentLeft = segment.length;
    }
    const end = Math.min(at + this.#segmentLeft, chunk.length);
    this.#sink.data(chunk.subarray(at, end), this.#position);
    this.#position += end - at;
    this.#segmentLeft -= end - at;
    this.#bodyLeft -= end - at;
    if (this.#bodyLeft === 0) this.#end();
    return end;
  }

  #skip(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#skipLeft, chunk.length);
    this.#skipLeft -= end - at;
    return end;
  }

  #end(): void {
    this.#inEntry = false;
    this.#sink.end();
  }
}

const padded = (size: number) => Math.ceil(size / blockSize) * blockSize;

function withPax(header: TarHeader, block: Buffer, records: readonly PaxRecord[]): TarEntry {
  const flag = header.flag === '0' && header.name.endsWith('/') ? '5' : header.flag;
  const type = entryTypes[flag] ?? 'unknown';
  const device = type === 'character' || type === 'block' ? deviceNumbers(block, header.name) : noDevice;
  const { name, linkName, mode, uid, gid, size, mtime } = header;
  const plain = { name, type, linkName, mode, uid, gid, size, mtime, device, xattrs: noXattrs };
  if (records.length === 0) return plain;
  // A later record wins; an empty value means that the header's own field counts (pax, "pax Extended Header").
  const pax = new Map(records);
  const numeric = (key: string, otherwise: number) => (pax.get(key) ? paxNumber(key, pax.get(key) ?? '') : otherwise);
  const paxMtime = pax.get('mtime');
  return {
    ...plain,
    name: pax.get('path') || name,
    linkName: pax.get('linkpath') || linkName,
    uid: numeric('uid', uid),
    gid: numeric('gid', gid),
    size: numeric('size', size),
    mtime: paxMtime ? paxTime(paxMtime) : mtime,
    xattrs: xattrsOf(pax),
  };
}

function xattrsOf(pax: ReadonlyMap<ByteString, ByteString>): readonly Xattr[] {
  const found: Xattr[] = [];
  for (const [key, value] of pax) {
    if (!key.startsWith(xattrPrefix)) continue;
    found.push({ name: key.slice(xattrPrefix.length), value: Buffer.from(value, 'latin1') });
  }
  return found.length > 0 ? found : noXattrs;
}
