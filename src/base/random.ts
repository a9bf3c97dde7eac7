/** Random bytes without node:crypto, whose loading takes 5 ms of every start: the kernel's own generator. random(4) */
import { closeSync, openSync, readSync } from 'node:fs';

/** `count` random bytes as hex digits. */
export function randomHex(count: number): string {
  return randomBytes(count).toString('hex');
}

/** An integer from 0 up to, not including, `limit` (at most 2^32; the bias is below 2^-16 for small limits). */
export function randomBelow(limit: number): number {
  return randomBytes(6).readUIntBE(0, 6) % limit;
}

function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync('/dev/urandom', 'r');
  try {
    readSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  return bytes;
}
