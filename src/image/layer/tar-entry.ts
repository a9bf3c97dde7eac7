/** One archive entry's headers: a ustar header, and before it a PAX header for what does not fit (pax, "pax Interchange Format"). */
import type { ByteString } from './byte-string.ts';
import type { Metadata } from './layer-tree.ts';
import { encodePax, formatPaxTime, type PaxRecord, xattrPrefix } from './pax.ts';
import { blockSize, encodeHeader, fitsOctal } from './tar-header.ts';

export interface EntryFields {
  /** Directories end in `/`. */
  readonly name: ByteString;
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'fifo';
  readonly linkName: ByteString;
  readonly size: number;
}

const flags = { file: '0', hardlink: '1', symlink: '2', directory: '5', fifo: '6' } as const;
const fieldBytes = 100;

export function encodeEntry(fields: EntryFields, metadata: Metadata): Buffer {
  const { name, type, linkName, size } = fields;
  const { mode, uid, gid, mtime } = metadata;
  const header = encodeHeader({
    name: name.slice(0, fieldBytes),
    linkName: linkName.slice(0, fieldBytes),
    flag: flags[type],
    mode,
    uid,
    gid,
    size,
    mtimeSeconds: mtime.seconds,
  });
  const records = paxRecords(fields, metadata);
  return records.length === 0 ? header : Buffer.concat([paxHeader(encodePax(records)), header]);
}

function paxRecords({ name, linkName, size }: EntryFields, { uid, gid, mtime, xattrs }: Metadata): PaxRecord[] {
  const records: PaxRecord[] = [];
  if (!fits(name)) records.push(['path', name]);
  if (!fits(linkName)) records.push(['linkpath', linkName]);
  if (!fitsOctal(size, 11)) records.push(['size', String(size)]);
  if (!fitsOctal(uid, 7)) records.push(['uid', String(uid)]);
  if (!fitsOctal(gid, 7)) records.push(['gid', String(gid)]);
  if (mtime.nanoseconds !== 0 || !fitsOctal(mtime.seconds, 11)) records.push(['mtime', formatPaxTime(mtime)]);
  for (const { name: key, value } of xattrs) records.push([xattrPrefix + key, value.toString('latin1')]);
  return records;
}

/** A header's names are taken as ASCII by some readers, and as UTF-8 in a PAX record by all. */
const fits = (name: ByteString) => name.length <= fieldBytes && !/[\x80-\xff]/.test(name);

function paxHeader(body: Buffer): Buffer {
  const header = encodeHeader({
    name: 'PaxHeaders/entry',
    linkName: '',
    flag: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtimeSeconds: 0,
  });
  return Buffer.concat([header, body, Buffer.alloc(-body.length & (blockSize - 1))]);
}
