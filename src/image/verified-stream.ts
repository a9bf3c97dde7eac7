/**
 * Bytes that cannot end well unless they are the right ones: size and digest of a descriptor are checked while the
 * content passes (image-spec descriptor.md "Verification"), and never after it was used as if it were good.
 */
import { CtrError } from '../base/ctr-error.ts';
import { bytesPassed } from '../base/passing-bytes.ts';
import { type Digest, hasherFor } from '../oci/digest.ts';

export interface Expected {
  readonly digest: Digest;
  readonly size: number;
}

export interface Verifier {
  /** Bytes taken so far. */
  readonly received: number;
  /** Throws as soon as there is more than expected. */
  update(chunk: Uint8Array): void;
  /** Throws unless size and digest are right now. */
  finish(): void;
}

/** Verify content that comes in pieces, perhaps over several connections. */
export function createVerifier(expected: Expected): Verifier {
  const hasher = hasherFor(expected.digest);
  let received = 0;
  return {
    get received() {
      return received;
    },
    update(chunk) {
      received += chunk.length;
      if (received > expected.size) throw wrong(expected, `is longer than its ${expected.size} bytes`);
      hasher.update(chunk);
    },
    finish() {
      if (received < expected.size) throw wrong(expected, `ended after ${received} of ${expected.size} bytes`);
      const digest = hasher.digest();
      if (digest !== expected.digest) throw wrong(expected, `has the digest ${digest}`);
    },
  };
}

/** Pass `source` on; the iteration throws VERIFY instead of ending when size or digest are wrong. */
export async function* verified(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: Expected,
): AsyncGenerator<Uint8Array> {
  const verifier = createVerifier(expected);
  for await (const chunk of source) {
    verifier.update(chunk);
    yield chunk;
    bytesPassed(chunk.length);
  }
  verifier.finish();
}

function wrong(expected: Expected, what: string): CtrError {
  return new CtrError('VERIFY', `the content of ${expected.digest} ${what}`, {
    hint: 'the registry or a proxy before it sends damaged content; nothing of it was kept',
  });
}
