/** A layer archive in another compression, in a file that is gone after use (image-spec layer.md "+gzip", "+zstd"). */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Host } from '../base/host.ts';
import { withSpaceHint } from '../base/json-file.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, hasherFor } from '../oci/digest.ts';
import type { Compression } from '../oci/media-types.ts';
import { reserveStaging } from '../storage/staging.ts';
import type { OpenBlob } from './content.ts';
import { decompress } from './layer/decompress.ts';
import { verified } from './verified-stream.ts';

export interface Recompressed extends OpenBlob {
  readonly digest: Digest;
  readonly size: number;
}

export interface RecompressRequest {
  readonly layer: Descriptor;
  readonly blob: OpenBlob;
  readonly to: Compression;
  readonly level?: number | undefined;
}

/** The original is verified while it is read. */
export async function recompress(host: Host, request: RecompressRequest): Promise<Recompressed> {
  const { layer, blob, to, level } = request;
  const staging = reserveStaging(host);
  const hasher = hasherFor(layer.digest);
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hasher.update(chunk);
      done(null, chunk);
    },
  });
  try {
    const original = verified(blob.read(0, layer.size), layer);
    const plain = decompress(buffers(original));
    await pipeline(
      plain,
      compressor(to, level),
      hashing,
      createWriteStream(staging.path, { flags: 'wx', mode: 0o600 }),
    );
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, staging.path);
  }
  return {
    digest: hasher.digest(),
    size: statSync(staging.path).size,
    read: (offset, length) => createReadStream(staging.path, { start: offset, end: offset + length - 1 }),
    close: () => staging[Symbol.dispose](),
  };
}

async function* buffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function compressor(to: Compression, level: number | undefined): Transform {
  if (to === 'none') return new PassThrough();
  if (to === 'gzip') return createGzip(level === undefined ? {} : { level });
  return createZstdCompress(level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } });
}
