/**
 * The 512-byte header of tar: v7, ustar (POSIX.1-1988), GNU (base-256 numbers) — field by field, bytes kept as they are.
 * tar-stream has such a codec too, but does not export it, and it refuses v7 headers and reads damaged numbers as null.
 */
import { CtrError } from '../../base/ctr-error.ts';
import type { Timespec } from '../../linux/files.ts';
import { type ByteString, quoted } from './byte-string.ts';

export const blockSize = 512;
/** The checksum counts its own field as spaces. */
const checksumSeed = 8 * 32;

export interface TarHeader {
  readonly name: ByteString;
  readonly linkName: ByteString;
  /** The type flag's character; `0` for v7's NUL. */
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Timespec;
}

/** The header in `block`, or undefined for a block of zeros (the end marker is two of them). */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  const sum = sumOf(block);
  if (sum === 0) return undefined;
  const name = text(block, 0, 100);
  const stored = Number.parseInt(text(block, 148, 8), 8) - checksumSeed;
  if (stored !== sum && stored !== signedSumOf(block)) {
    throw new CtrError('INVALID', 'the layer is no tar archive or is damaged: a header has a wrong checksum');
  }
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? text(block, 345, 155) : '';
  const full = prefix === '' ? name : `${prefix}/${name}`;
  const flag = String.fromCharCode(block[156] || 48);
  return {
    name: full,
    linkName: text(block, 157, 100),
    flag,
    mode: number(block, 100, 8, full) & 0o7777,
    uid: number(block, 108, 8, full),
    gid: number(block, 116, 8, full),
    size: number(block, 124, 12, full),
    mtime: { seconds: number(block, 136, 12, full), nanoseconds: 0 },
  };
}

/** Device numbers, read only for device entries: other writers leave rubbish in the fields. */
export function deviceNumbers(block: Buffer, name: ByteString): { major: number; minor: number } {
  return { major: number(block, 329, 8, name), minor: number(block, 337, 8, name) };
}

/** The sum of all bytes but the checksum's own. */
function sumOf(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0;
  for (let at = 156; at < blockSize; at++) sum += block[at] ?? 0;
  return sum;
}

/** Some old writers summed signed characters (GNU tar accepts both). */
function signedSumOf(block: Buffer): number {
  return (
    sumOf(block) - 256 * block.reduce((count, byte, at) => count + Number(byte > 127 && (at < 148 || at > 155)), 0)
  );
}

function text(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return end === start ? '' : block.toString('latin1', start, end);
}

/** An octal number in ASCII, or GNU's base-256 (first bit set, two's complement). Throws on anything else. */
export function number(block: Buffer, start: number, length: number, name: ByteString): number {
  const first = block[start] ?? 0;
  if (first >= 0x80) return base256(block, start, length, name);
  let at = start;
  const end = start + length;
  while (at < end && (block[at] === 32 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 48;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  if (at < end && block[at] !== 32 && block[at] !== 0) throw damaged(name);
  return value;
}

function base256(block: Buffer, start: number, length: number, name: ByteString): number {
  const first = block[start] ?? 0;
  const isNegative = (first & 0x40) !== 0;
  let value = isNegative ? (first & 0x7f) - 0x80 : first & 0x3f;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] ?? 0);
  if (!Number.isSafeInteger(value)) throw damaged(name);
  return value;
}

function damaged(name: ByteString): CtrError {
  return new CtrError('INVALID', `the layer's entry ${quoted(name)} has a damaged number in its header`);
}

/** What a header can say on its own; the rest goes into a PAX record before it (see pack.ts). */
export interface HeaderFields {
  /** At most 100 bytes. */
  readonly name: ByteString;
  /** At most 100 bytes. */
  readonly linkName: ByteString;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
}

/** Numbers that do not fit their field are written as 0: their true value is in the PAX record. */
export function encodeHeader(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(fields.name, 0, 100, 'latin1');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.size, 11), 124, 'latin1');
  block.write(octal(fields.mtimeSeconds, 11), 136, 'latin1');
  block.write(fields.flag, 156, 'latin1');
  block.write(fields.linkName, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${octal(sumOf(block) + checksumSeed, 6)}\0 `, 148, 'latin1');
  return block;
}

/** Whether `value` can be written in `digits` octal digits. */
export function fitsOctal(value: number, digits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 8 ** digits;
}

function octal(value: number, digits: number): string {
  return (fitsOctal(value, digits) ? value : 0).toString(8).padStart(digits, '0');
}
