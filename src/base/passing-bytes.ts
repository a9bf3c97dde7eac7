/**
 * Keeps a process that moves large files small. A Buffer that was written is garbage outside V8's heap, and V8 lets
 * that grow to 64 MB before it looks (docs/adr/0005-memory-of-passing-files.md): whoever passes bytes on says so here, and
 * the young generation, where these Buffers still are, is collected every few megabytes. That takes less than 1 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const bytesBetween = 2 * 1024 * 1024;

let passed = 0;
let collect: (() => void) | undefined;

/** `bytes` of Buffers have been used and are not referenced any more. */
export function bytesPassed(bytes: number): void {
  passed += bytes;
  if (passed < bytesBetween) return;
  passed = 0;
  collect ??= minorCollection();
  collect();
}

/** V8's `gc` function (v8 src/extensions/gc-extension.cc), without a flag on the command line that `run` would have, too. */
function minorCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  // The flags are part of what a code cache is checked against: as they were.
  setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? () => void gc({ type: 'minor' }) : () => {};
}
