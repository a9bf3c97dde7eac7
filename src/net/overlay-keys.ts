/**
 * All that the tunnel of an overlay network is made of, derived from one secret that its machines share: who has it can
 * compute the public key of every peer, so that no key travels, and who has another one computes others. HKDF (RFC 5869)
 * with the network's and the peers' names as context; X25519 (RFC 7748), as WireGuard takes it.
 */
import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { formatIp } from '../base/ip-network.ts';

/** The secret, and the network's name: two networks with one secret have nothing in common. */
export interface OverlaySecret {
  readonly secret: Uint8Array;
  readonly network: string;
}

/** Base64, as wg(8) reads it. */
export function privateKeyOf(of: OverlaySecret, peer: string): string {
  return derive(of, ['private', peer], 32).toString('base64');
}

export function publicKeyOf(of: OverlaySecret, peer: string): string {
  // RFC 8410 section 7: PKCS #8 of an X25519 key is this prefix and the 32 bytes.
  const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
  const der = Buffer.concat([pkcs8, derive(of, ['private', peer], 32)]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
}

/** One for each pair, the same on both sides. */
export function presharedKeyOf(of: OverlaySecret, one: string, other: string): string {
  return derive(of, ['preshared', ...[one, other].sort()], 32).toString('base64');
}

/** The peer's address inside the tunnel: RFC 4193, in 120 bits of which two peers are never alike. */
export function tunnelAddressOf(of: OverlaySecret, peer: string): string {
  return formatIp(6, BigInt(`0xfd${derive(of, ['address', peer], 15).toString('hex')}`));
}

/** Bytes for one purpose. */
export function derive({ secret, network }: OverlaySecret, purpose: readonly string[], bytes: number): Buffer {
  const info = JSON.stringify([network, ...purpose]);
  return Buffer.from(hkdfSync('sha256', secret, 'ctr overlay network', info, bytes));
}
