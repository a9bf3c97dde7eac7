/** When an image was used last: the time of its record's file, which says nothing else (the record never changes). */
import { statSync, utimesSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { type Digest, hexOf } from '../oci/digest.ts';
import { layout } from './layout.ts';

/** The image was pulled, or a container was made of it. */
export function markImageUsed(host: Host, id: Digest): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(layout.image(host, hexOf(id)), now, now);
  } catch {
    // Removed meanwhile, or a store that cannot be written: nothing depends on the time but the order of clean-up.
  }
}

/** Milliseconds; 0 when it is not known. */
export function imageUsedMs(host: Host, id: Digest): number {
  return statSync(layout.image(host, hexOf(id)), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
