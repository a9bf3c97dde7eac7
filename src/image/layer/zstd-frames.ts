/**
 * The frames of a zstd stream (RFC 8878 3.1.1), one after the other: Node 24's decompressor ends with the first one, and
 * layers of many frames are common (zstd:chunked, pzstd). Remove when the oldest supported Node is 26.
 */
import { CtrError } from '../../base/ctr-error.ts';

const [skippableMask, skippableMagic] = [0xfffffff0, 0x184d2a50];
/** Block_Type RLE: one byte stands for a whole block. */
const runLength = 1;

/** Calls `decompress` for each frame in turn; skippable frames are left out. */
export async function* eachFrame(
  source: AsyncIterator<Buffer>,
  decompress: (frame: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const input = new ByteSource(source);
  while (!(await input.isAtEnd())) {
    const magic = await input.take(4);
    if ((magic.readUInt32LE() & skippableMask) >>> 0 === skippableMagic) {
      await input.take((await input.take(4)).readUInt32LE());
    } else yield* decompress(frameAfter(magic, input));
  }
}

/** The bytes of one frame, a block at a time: header, blocks up to the last one, checksum. */
async function* frameAfter(magic: Buffer, input: ByteSource): AsyncGenerator<Buffer> {
  const descriptor = await input.take(1);
  const { headerBytes, hasChecksum } = frameHeader(descriptor[0] ?? 0);
  yield Buffer.concat([magic, descriptor, await input.take(headerBytes)]);
  for (let isLast = false; !isLast; ) {
    const header = await input.take(3);
    const word = header.readUIntLE(0, 3);
    isLast = (word & 1) === 1;
    const size = ((word >>> 1) & 3) === runLength ? 1 : word >>> 3;
    yield Buffer.concat([header, await input.take(size)]);
  }
  if (hasChecksum) yield await input.take(4);
}

/** RFC 8878 3.1.1.1.1 "Frame_Header_Descriptor": how many bytes of the header follow it. */
function frameHeader(descriptor: number): { headerBytes: number; hasChecksum: boolean } {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const contentSize = contentSizeFlag === 0 ? Number(isSingleSegment) : 1 << contentSizeFlag;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  return {
    headerBytes: Number(!isSingleSegment) + dictionaryId + contentSize,
    hasChecksum: (descriptor & 4) !== 0,
  };
}

/** Exact numbers of bytes from chunks of any size. */
class ByteSource {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#source.next();
      if (done) return true;
      this.#rest = value;
    }
    return false;
  }

  async take(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      if (await this.isAtEnd()) throw new CtrError('INVALID', 'the layer is truncated: its zstd stream has no end');
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      pieces.push(piece);
      missing -= piece.length;
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }
}
