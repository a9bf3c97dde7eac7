/** `builder du` and `builder prune`: the steps and cache mounts that builds have kept. */
import { statSync } from 'node:fs';
import type { Host } from '../../base/host.ts';
import { readJsonFile } from '../../base/json-file.ts';
import { object, string } from '../../oci/check.ts';
import { type ListedStep, listBuildSteps, removeBuildStep } from '../../storage/build-step-store.ts';
import { collectGarbage } from '../../storage/gc.ts';
import { layout } from '../../storage/layout.ts';
import { lockOf, tryLock } from '../../storage/lock.ts';
import { namesIn } from '../../storage/roots.ts';
import { discardTree } from '../../storage/staging.ts';
import { removeTreeInside } from '../user-namespace.ts';

export interface CacheMountInfo {
  readonly name: string;
  readonly id: string;
  readonly usedAt: Date;
}

export interface BuildCache {
  readonly steps: readonly ListedStep[];
  readonly mounts: readonly CacheMountInfo[];
}

export function listBuildCache(host: Host): BuildCache {
  const mounts = namesIn(layout.buildMounts(host)).flatMap((escaped) => {
    const name = decodeURIComponent(escaped);
    const path = `${layout.buildMount(host, name)}`;
    const value = readJsonFile(`${path}/mount.json`);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (value === undefined || !stat) return [];
    return [{ name, id: object({ id: string })(value, path).id, usedAt: stat.mtime }];
  });
  return { steps: listBuildSteps(host), mounts };
}

export interface PruneRequest {
  /** Cache mounts too. */
  readonly all: boolean;
  /** Only what was last used before. */
  readonly before?: Date;
  /** The most recently used steps stay, up to this size. */
  readonly keepBytes?: number;
}

export interface Pruned {
  readonly steps: number;
  readonly mounts: number;
  readonly bytes: number;
}

/** Steps whose layers an image uses are forgotten too; the layers stay. */
export async function pruneBuildCache(host: Host, { all, before, keepBytes = 0 }: PruneRequest): Promise<Pruned> {
  const { steps, mounts } = listBuildCache(host);
  const isOld = ({ usedAt }: { readonly usedAt: Date }) => before === undefined || usedAt < before;
  let kept = 0;
  const going = steps.toReversed().filter((step) => {
    kept += step.sizeBytes;
    return isOld(step) && kept > keepBytes;
  });
  for (const { key } of going) removeBuildStep(host, key);
  let removed = 0;
  for (const mount of all ? mounts.filter(isOld) : []) {
    using lock = tryLock(lockOf(host, 'mount', mount.name));
    if (!lock) continue;
    await discardTree(host, layout.buildMount(host, mount.name), (path) => removeTreeInside(host, path));
    removed++;
  }
  const { freedBytes, layers } = await collectGarbage(host, { removeTree: (path) => removeTreeInside(host, path) });
  const names = new Set(layers.map((path) => path.split('/').at(-2)?.slice(0, 64)));
  const ofLayers = new Map(going.flatMap((step) => (step.diffId ? [[step.diffId.slice(7), step.sizeBytes]] : [])));
  const bytes = [...ofLayers].reduce((sum, [hex, size]) => sum + (names.has(hex) ? size : 0), freedBytes);
  return { steps: going.length, mounts: removed, bytes };
}
