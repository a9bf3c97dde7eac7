/** A step that makes a layer: found by its key, or made, sealed and published. */

import { dirname } from 'node:path';
import { removeTreeNow } from '../../base/remove-tree.ts';
import { parseDigest } from '../../oci/digest.ts';
import { type BuildStep, readBuildStep, touchBuildStep, writeBuildStep } from '../../storage/build-step-store.ts';
import { hasLayer, layerDir, stageUnnamedLayer } from '../../storage/layer-store.ts';
import { lockOf, lockWhenFree } from '../../storage/lock.ts';
import { type Build, diffIdsOf, type Made, type StageLayer, type StageState } from './build-state.ts';
import type { Sealed, SealOrder } from './worker-orders.ts';

export interface LayerWork {
  readonly key: string;
  readonly description: string;
  readonly useCache: boolean;
  /** Called when it is not in the cache; fills `directory` or says where its content is. */
  make(directory: string): Promise<Pick<SealOrder, 'from' | 'mountPoints'>>;
}

export async function layerFor(build: Build, state: StageState, work: LayerWork): Promise<Made> {
  const { made, ownerKind } = build;
  const key = `${work.key}${ownerKind === 'm' ? '' : `-${ownerKind}`}`;
  const known = made.get(`${key} ${work.useCache}`);
  if (known) return { ...(await known), isCached: true };
  const making = findOrMake(build, state, { ...work, key });
  made.set(`${key} ${work.useCache}`, making);
  return making;
}

async function findOrMake(build: Build, state: StageState, work: LayerWork): Promise<Made> {
  const { host, ownerKind } = build;
  const { key } = work;
  const find = (): Made | undefined => {
    const step = work.useCache ? readBuildStep(host, key) : undefined;
    if (!step || (step.diffId && !hasLayer(host, { diffId: step.diffId, kind: ownerKind }))) return undefined;
    touchBuildStep(host, key, build.beganAt);
    return { layer: layerOf(step), isCached: true, key };
  };
  const known = find();
  if (known) return known;
  // The same step of two builds is run once: the second one waits and finds it.
  using _lock = await lockWhenFree(lockOf(host, 'step', key), 'exclusive', { signal: build.signal });
  const found = find() ?? (work.useCache ? await imported(build, work) : undefined);
  return found ?? { layer: await makeLayer(build, state, work), isCached: false, key };
}

/** From a cache that the user named. */
async function imported({ host, cache, beganAt }: Build, { key, description }: LayerWork): Promise<Made | undefined> {
  const found = await cache.find(key);
  if (!found) return undefined;
  const step: BuildStep = { ...found, key, description, createdAt: beganAt.toISOString() };
  writeBuildStep(host, step);
  return { layer: layerOf(step), isCached: true, key };
}

const layerOf = ({ diffId, archiveBytes }: BuildStep): StageLayer | undefined => diffId && { diffId, archiveBytes };

async function makeLayer(build: Build, state: StageState, work: LayerWork): Promise<StageLayer | undefined> {
  const { host, worker, ownerKind } = build;
  const removeTree = (path: string) => worker.ask<void>({ op: 'remove', paths: [path] });
  using staging = stageUnnamedLayer(host, removeTree);
  try {
    const rest = await work.make(staging.diffDir);
    const sealed = await worker.ask<Sealed>({
      op: 'seal',
      directory: staging.diffDir,
      lower: layersBelow(build, state),
      ...rest,
      ...(state.newest === undefined ? {} : { newest: state.newest }),
      began: build.beganAt.getTime() / 1000,
      isSingle: ownerKind === 's',
    });
    const step = record(build, work, sealed);
    if (step.diffId) await staging.publish({ diffId: step.diffId, kind: ownerKind }, sealed.sizeBytes);
    writeBuildStep(host, step);
    return layerOf(step);
  } finally {
    await clear(dirname(staging.diffDir), removeTree);
  }
}

function record({ beganAt }: Build, { key, description }: LayerWork, sealed: Sealed): BuildStep {
  const { entries, sizeBytes, size: archiveBytes } = sealed;
  const made = entries === 0 ? {} : { diffId: parseDigest(sealed.diffId) };
  return { key, ...made, archiveBytes, sizeBytes, description, createdAt: beganAt.toISOString() };
}

/** What was not published: an empty layer, one that was there already, a failure. */
async function clear(path: string, removeTree: (path: string) => Promise<void>): Promise<void> {
  try {
    removeTreeNow(path);
  } catch {
    await removeTree(path);
  }
}

/** Directories of the layers so far, uppermost first; of equal ones the uppermost. */
export function layersBelow({ host, ownerKind }: Build, state: Pick<StageState, 'layers'>): string[] {
  return [...new Set(diffIdsOf(state).reverse())].map((diffId) => layerDir(host, { diffId, kind: ownerKind }));
}
