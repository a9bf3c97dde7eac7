/**
 * Undo a layer's compression (image-spec layer.md "+gzip", "+zstd"). What the bytes begin with decides, not what the
 * manifest says: registries hold layers with the wrong media type, and every other tool reads them.
 */
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { CtrError } from '../../base/ctr-error.ts';
import type { Compression } from '../../oci/media-types.ts';
import { eachFrame } from './zstd-frames.ts';

/**
 * Larger pieces cost fewer turns between JavaScript and zlib's thread, and more memory for each layer that is under way
 * (docs/adr/0005-memory-of-passing-files.md).
 */
const outputBytes = 128 * 1024;
const options = { chunkSize: outputBytes, readableHighWaterMark: outputBytes, writableHighWaterMark: outputBytes };
const magicBytes = 6;

/** The uncompressed bytes of `source`. What `source` throws comes out here. */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  const head = await readHead(iterator);
  const format = compressionOf(head);
  const whole = startingWith(head, iterator);
  if (format === 'none') {
    yield* whole;
    return;
  }
  try {
    if (format === 'gzip') yield* through(whole, createGunzip(options));
    else yield* eachFrame(whole, (frame) => through(frame, createZstdDecompress(options)));
  } catch (error) {
    throw error instanceof CtrError ? error : damaged(format, error);
  }
}

function through(source: AsyncIterable<Buffer>, stream: Transform): AsyncIterable<Buffer> {
  // The callback has nothing to do: an error also ends the stream that is read.
  pipeline(source, stream, () => {});
  return stream;
}

async function readHead(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let length = 0; length < magicBytes; ) {
    const { value, done } = await iterator.next();
    if (done) break;
    pieces.push(value);
    length += value.length;
  }
  return Buffer.concat(pieces);
}

async function* startingWith(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

/** RFC 1952 2.3.1; RFC 8878 3.1.1 and 3.1.2 "Skippable Frames". */
export function compressionOf(head: Buffer): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const magic = head.length >= 4 ? head.readUInt32LE(0) : 0;
  if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
  const other = ['BZh', '\xfd7zXZ', '\x5d\0\0'].find((start) => head.toString('latin1').startsWith(start));
  if (other === undefined) return 'none';
  throw new CtrError('UNSUPPORTED', 'the layer is compressed by bzip2, xz or lzma, which images do not use', {
    hint: 'layers are plain tar, gzip or zstd (image-spec layer.md); compress it again by one of these',
  });
}

function damaged(format: Compression, error: unknown): CtrError {
  const isShort = error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
  const what = isShort ? `truncated: its ${format} stream has no end` : `damaged: its ${format} stream cannot be read`;
  return new CtrError('INVALID', `the layer is ${what}`, { cause: error });
}
