/**
 * Get one blob into a file. A broken connection is taken up where it broke (Range), the hash going on over the
 * pieces; what is in the file is verified when this returns, and nothing may use it before.
 */
import { CtrError } from '../base/ctr-error.ts';
import { withSpaceHint, writeAll } from '../base/json-file.ts';
import { bytesPassed } from '../base/passing-bytes.ts';
import type { RegistryAccess, RegistryConnection } from './transport/registry-access.ts';
import { withRetries } from './transport/retry.ts';
import { TransportError } from './transport/transport-error.ts';
import { createVerifier, type Expected, type Verifier } from './verified-stream.ts';

export interface BlobSource {
  readonly access: RegistryAccess;
  readonly connection: RegistryConnection;
  readonly signal?: AbortSignal | undefined;
}

/** Download `expected` into the empty file `fd`; `onBytes` is told how many bytes are in it. */
export async function downloadToFile(
  source: BlobSource,
  expected: Expected,
  fd: number,
  onBytes: (received: number) => void,
): Promise<void> {
  await download(source, expected, (chunk, received) => {
    try {
      writeAll(fd, chunk);
    } catch (error) {
      throw withSpaceHint(error, 'the data root');
    }
    bytesPassed(chunk.length);
    onBytes(received);
  });
}

/** Download a small blob, a config, into memory. */
export async function downloadWhole(source: BlobSource, expected: Expected, maxBytes: number): Promise<Buffer> {
  if (expected.size > maxBytes) {
    throw new CtrError('INVALID', `${expected.digest} is announced with ${expected.size} bytes, more than allowed`);
  }
  const parts: Uint8Array[] = [];
  await download(source, expected, (chunk) => void parts.push(chunk));
  return Buffer.concat(parts);
}

async function download(
  source: BlobSource,
  expected: Expected,
  take: (chunk: Uint8Array, received: number) => void,
): Promise<void> {
  const { access, signal } = source;
  const verifier = createVerifier(expected);
  let before = 0;
  const progressed = () => verifier.received > before;
  await withRetries(access.retry, { ...access.retryDeps, signal, progressed }, async () => {
    before = verifier.received;
    await transfer(source, expected, verifier, take);
  });
  verifier.finish();
}

/** One connection's worth. */
async function transfer(
  { connection, signal }: BlobSource,
  expected: Expected,
  verifier: Verifier,
  take: (chunk: Uint8Array, received: number) => void,
): Promise<void> {
  const { registry, endpoint } = connection;
  const stream = await registry.getBlob(endpoint.repository, expected.digest, verifier.received, signal);
  let known = verifier.received - stream.start;
  for await (const chunk of stream.chunks()) {
    const fresh = chunk.subarray(Math.min(known, chunk.length));
    known -= chunk.length - fresh.length;
    if (fresh.length === 0) continue;
    verifier.update(fresh);
    take(fresh, verifier.received);
  }
  if (verifier.received >= expected.size) return;
  const sofar = `${verifier.received} of ${expected.size} bytes`;
  throw new TransportError('VERIFY', `${endpoint.registry}: blob ${expected.digest} ended after ${sofar}`, {
    retryable: true,
  });
}
