/**
 * What the store takes on disk, told by du(1) itself: one run over the whole data root, inside the user namespace,
 * where files of subordinate ids can be seen. So `ctr system df` adds up to what `du` says by construction.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import { startInside } from '../ns/inside.ts';
import { findExecutable, idMapsFor } from './user-namespace.ts';

/** Bytes per directory down to `depth`, the root itself included; hard links count once. */
export async function diskUsage(host: Host, root: string, depth: number): Promise<ReadonlyMap<string, number>> {
  const du = findExecutable(host, 'du');
  if (du === undefined) throw new CtrError('NOT_FOUND', 'du is not in PATH', { hint: 'it is part of coreutils' });
  const [read, write] = pipe();
  const nothing = openSync('/dev/null', 'r');
  const opened = new Set([read, write, nothing]);
  try {
    const inside = await startInside({
      maps: idMapsFor(host),
      stdio: [nothing, write, 2],
      steps: [
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 0 },
        // -k and -d are what busybox has, too.
        { kind: 'exec', args: [du, '-k', '-x', '-d', String(depth), '--', root], env: ['LC_ALL=C'] },
      ],
    });
    opened.delete(write);
    closeSync(write);
    const text = readFileSync(read, 'utf8');
    // Files that go meanwhile make du complain and end with 1: what it counted is good.
    inside.wait();
    return new Map([...text.matchAll(/^(\d+)\t(.*)$/gm)].map(([, kib, path = '']) => [path, Number(kib) * 1024]));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** The space that one file takes; 0 when there is none. */
export function fileUsage(path: string): number {
  const blockBytes = 512;
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * blockBytes;
}
