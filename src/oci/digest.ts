/** Content addresses (image-spec descriptor.md "Digests"): `sha256:<64 hex digits>`, sha512 likewise. */
import type { Hash } from 'node:crypto';
import { CtrError } from '../base/ctr-error.ts';

declare const isDigestText: unique symbol;

/** A checked digest: safe to use in a path, since it holds nothing but an algorithm's name and hex digits. */
export type Digest = string & { readonly [isDigestText]: true };
export type DigestAlgorithm = 'sha256' | 'sha512';

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new CtrError('INVALID', `invalid digest ${JSON.stringify(text.slice(0, 160))}`);
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The part after the colon: the blob's file name in an OCI image layout. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** `sha256:…` from 64 hex digits, as in file names of the store. */
export function digestOfHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}

export function sha256Of(content: string | Uint8Array): Digest {
  return finishDigest('sha256', hashOf('sha256').update(content));
}

/** A hash to be fed piece by piece that ends as a digest comparable to `expected`. */
export function hasherFor(expected: Digest): { update(chunk: Uint8Array): void; digest(): Digest } {
  const algorithm = algorithmOf(expected);
  const hash = hashOf(algorithm);
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => finishDigest(algorithm, hash),
  };
}

/** Loaded when something is hashed: node:crypto takes 5 ms, and a plain `run` hashes nothing. */
function hashOf(algorithm: DigestAlgorithm): Hash {
  return process.getBuiltinModule('node:crypto').createHash(algorithm);
}

function finishDigest(algorithm: DigestAlgorithm, hash: Hash): Digest {
  return parseDigest(`${algorithm}:${hash.digest('hex')}`);
}
