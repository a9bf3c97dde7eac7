/** `--cache-to`: what this build's steps made, for others to find by key. The layers of base images are not part of it. */
import { writeBlob } from '../../storage/blob-store.ts';
import type { CacheTarget } from './build-request.ts';
import type { Build, Finished, StageLayer, StageState } from './build-state.ts';
import { type CachedStep, cacheArtifact } from './cache-document.ts';
import { locationOf, nameOf, reasonOf } from './cache-import.ts';
import { archived } from './layer-archive.ts';
import { watched } from './watched.ts';

/** Of all platforms together. */
export async function exportCaches(builds: readonly Finished[]): Promise<void> {
  const [first] = builds;
  if (!first) return;
  for (const target of first.build.request.cacheTo) {
    if (target.type === 'inline') continue;
    const states = target.mode === 'min' ? builds.map(({ state }) => state) : await allStates(builds);
    await exportCache(first.build, target, states);
  }
}

async function allStates(builds: readonly Finished[]): Promise<StageState[]> {
  return Promise.all(builds.flatMap(({ build }) => [...build.stages.values()]));
}

type StoredTarget = Exclude<CacheTarget, { type: 'inline' }>;

async function exportCache(build: Build, target: StoredTarget, states: readonly StageState[]): Promise<void> {
  try {
    await watched(build, { place: 'cache', text: `exporting to ${nameOf(target)}` }, async () => {
      await send(build, target, states);
      return {};
    });
  } catch (error) {
    if (build.signal.aborted || !target.ignoreError) throw error;
    build.watch.warning(`--cache-to ${nameOf(target)}: ${reasonOf(error)}`);
  }
}

async function send(build: Build, target: StoredTarget, states: readonly StageState[]): Promise<void> {
  const { host, request, signal } = build;
  const steps = new Map(states.flatMap((state) => state.steps).map((step) => [step.key, step]));
  const made = states.flatMap(({ layers }) => layers).filter(({ descriptor }) => descriptor === undefined);
  const artifact = cacheArtifact([...steps.values()], await archivesOf(build, [...steps.values()], made));
  for (const [content, { digest }] of [artifact.config, artifact.manifest]) writeBlob(host, digest, content);
  const { copyImage } = await import('../../image/copy.ts');
  const { openDestination } = await import('../../image/open-image.ts');
  const { storeSource } = await import('../../image/store-source.ts');
  const destination = await openDestination(locationOf(target), { host, options: request, signal });
  try {
    const source = storeSource(host, 'the build cache', artifact.manifest[1]);
    await copyImage(source, destination, target, { host, signal });
  } finally {
    destination.close();
  }
}

async function archivesOf(build: Build, steps: readonly CachedStep[], made: readonly StageLayer[]) {
  const wanted = new Set(steps.flatMap(({ diffId }) => diffId ?? []));
  const layers = new Map(made.filter(({ diffId }) => wanted.has(diffId)).map((layer) => [layer.diffId, layer]));
  const archives = [];
  for (const layer of layers.values()) {
    archives.push({ diffId: layer.diffId, descriptor: await archived(build, layer) });
  }
  return archives;
}
