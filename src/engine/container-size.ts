/** What containers take on disk: their own files as du(1) counts them, and with the layers below. */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import { startInside } from '../ns/inside.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { readLayer } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { findExecutable, idMapsFor } from './user-namespace.ts';

export interface ContainerSize {
  /** What the container itself has written. */
  readonly rwBytes: number;
  /** With its image. */
  readonly rootFsBytes: number;
}

/** One du(1) for all of them, inside the user namespace: files of subordinate ids may be closed to the caller. */
export async function containerSizes(host: Host, containers: readonly ContainerRecord[]): Promise<ContainerSize[]> {
  const uppers = containers.map(({ id }) => layout.upper(host, id));
  const written = await diskUsage(
    host,
    uppers.filter((path) => existsSync(path)),
  );
  return containers.map((container, index) => {
    const rwBytes = written.get(uppers[index] ?? '') ?? 0;
    return { rwBytes, rootFsBytes: rwBytes + layerBytes(host, container) };
  });
}

function layerBytes(host: Host, { diffIds, ownerKind: kind }: ContainerRecord): number {
  return diffIds.reduce((sum, diffId) => sum + (readLayer(host, { diffId, kind })?.sizeBytes ?? 0), 0);
}

async function diskUsage(host: Host, paths: readonly string[]): Promise<Map<string, number>> {
  if (paths.length === 0) return new Map();
  const [read, write] = pipe();
  const [input, du] = [openSync('/dev/null', 'r'), findExecutable(host, 'du') ?? '/usr/bin/du'];
  try {
    const inside = await startInside({
      maps: idMapsFor(host),
      stdio: [input, write, 2],
      steps: [
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 0 },
        { kind: 'exec', args: [du, '-s', '-B1', '--', ...paths], env: ['LC_ALL=C'] },
      ],
    });
    closeSync(write);
    const text = readFileSync(read, 'utf8');
    inside.wait();
    return new Map([...text.matchAll(/^(\d+)\t(.*)$/gm)].map(([, bytes, path = '']) => [path, Number(bytes)] as const));
  } finally {
    closeSync(read);
    closeSync(input);
  }
}
