/**
 * GNU tar's ways to store a file with holes (tar manual, "Storing Sparse Files"): the archive holds the segments that
 * have data, one after the other, and a map says where they belong. Old GNU headers (`S`), PAX 0.0, 0.1 and 1.0.
 */
import { CtrError } from '../../base/ctr-error.ts';
import { type ByteString, quoted } from './byte-string.ts';
import { type PaxRecord, paxNumber } from './pax.ts';
import { number } from './tar-header.ts';

export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** What the PAX records say about holes: 1.0 keeps its map at the beginning of the file's data. */
export interface PaxSparse {
  readonly name: ByteString | undefined;
  readonly realSize: number | undefined;
  readonly segments: readonly Segment[] | 'in the data';
}

export function paxSparse(records: readonly PaxRecord[]): PaxSparse | undefined {
  const latest = new Map(records);
  const size = latest.get('GNU.sparse.realsize') ?? latest.get('GNU.sparse.size');
  const found = { name: latest.get('GNU.sparse.name'), realSize: size && paxNumber('GNU.sparse.size', size) };
  const isVersion1 = latest.get('GNU.sparse.major') === '1' && latest.get('GNU.sparse.minor') === '0';
  const map = latest.get('GNU.sparse.map');
  if (!isVersion1 && map === undefined && !latest.has('GNU.sparse.numblocks')) return undefined;
  const realSize = found.realSize === '' ? undefined : found.realSize;
  if (isVersion1) return { name: found.name, realSize, segments: 'in the data' };
  const numbers = map === undefined ? repeatedNumbers(records) : map === '' ? [] : map.split(',');
  return { name: found.name, realSize, segments: pairs(numbers.map((text) => paxNumber('GNU.sparse.map', text))) };
}

/** PAX 0.0: GNU.sparse.offset and GNU.sparse.numbytes by turns. */
function repeatedNumbers(records: readonly PaxRecord[]): ByteString[] {
  return records
    .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
    .map(([, value]) => value);
}

function pairs(numbers: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    segments.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return segments;
}

/** PAX 1.0: `COUNT\nOFFSET\nLENGTH\n…` padded to a block; undefined while blocks are missing. */
export function decodeMapInData(blocks: Buffer): Segment[] | undefined {
  const lines = blocks.toString('latin1').split('\n');
  lines.pop();
  const [count, ...numbers] = lines;
  if (count === undefined) return undefined;
  const wanted = 2 * paxNumber('GNU.sparse.numblocks', count);
  if (numbers.length < wanted) return undefined;
  return pairs(numbers.slice(0, wanted).map((text) => paxNumber('GNU.sparse.map', text)));
}

/** Old GNU: up to `count` pairs of 12-byte numbers from `start`; an empty pair ends the list. */
export function decodeOldGnuSegments(block: Buffer, start: number, count: number, name: ByteString): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + index * 24;
    if ((block[at] ?? 0) === 0) break;
    segments.push({ offset: number(block, at, 12, name), length: number(block, at + 12, 12, name) });
  }
  return segments;
}

/** Segments must ascend, lie within the file and add up to what is stored: anything else could write anywhere. */
export function checkSegments(
  segments: readonly Segment[],
  sizes: { readonly real: number; readonly stored: number },
  name: ByteString,
): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of segments) {
    if (offset < end || length < 0 || !Number.isSafeInteger(offset + length)) throw wrongMap(name);
    end = offset + length;
    sum += length;
  }
  if (end > sizes.real || sum !== sizes.stored) throw wrongMap(name);
}

function wrongMap(name: ByteString): CtrError {
  return new CtrError('INVALID', `the layer's sparse file ${quoted(name)} has a map of holes that contradicts itself`);
}
