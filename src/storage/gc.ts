/**
 * Delete what nothing refers to. Whoever adds (pull, build, load, the creation of a container) holds the store's lock
 * shared from the first look at what is there until its record is written; collection takes it exclusively, and
 * gives up when it is not free: the next one finds the same garbage.
 */
import { rmSync, statSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { containerIds, readContainer, removeContainer } from './container-store.ts';
import { type LayerKey, layerDir, listLayers, listLinks, removeLayer } from './layer-store.ts';
import { layout } from './layout.ts';
import { lockOf, storeLockOf, tryLock } from './lock.ts';
import { collectReferences, layerName } from './references.ts';
import { namesIn } from './roots.ts';
import { collectOrphans, listOrphans, type RemoveTree } from './staging.ts';

export interface GarbageReport {
  /** False: someone is adding to the store, or a record is unreadable; nothing was deleted but orphans in tmp/. */
  readonly isComplete: boolean;
  readonly blobs: readonly Digest[];
  readonly layers: readonly string[];
  /** Half-made containers. */
  readonly containers: readonly string[];
  readonly orphans: readonly string[];
  /** Of the blobs. */
  readonly freedBytes: number;
}

export interface CollectOptions {
  readonly dryRun?: boolean;
  /** Also layers for maps of ids that no container has: they are unpacked again when one wants them. */
  readonly idleMaps?: boolean;
  readonly removeTree?: RemoveTree;
}

export async function collectGarbage(host: Host, options: CollectOptions = {}): Promise<GarbageReport> {
  const orphans = options.dryRun ? listOrphans(host) : (await collectOrphans(host, options.removeTree)).removed;
  const nothing = { isComplete: false, blobs: [], layers: [], containers: [], orphans, freedBytes: 0 };
  using lock = tryLock(storeLockOf(host));
  if (!lock) return nothing;
  const containers = await collectHalfMade(host, options);
  const references = collectReferences(host);
  if (references.unreadable.length > 0) {
    host.log.warn(`nothing is collected while there is a record that cannot be read: ${references.unreadable[0]}`);
    return { ...nothing, containers };
  }
  const isIdle = (key: LayerKey) => key.kind.startsWith('x') && !references.ownMapLayers.has(layerName(key));
  const layers = listLayers(host).filter(
    (key) => !references.diffIds.has(key.diffId) || (options.idleMaps === true && isIdle(key)),
  );
  const blobs = listBlobs(host).filter((digest) => !references.blobs.has(digest));
  const sizes = blobs.map((digest) => statSync(layout.blob(host, digest)).size);
  if (!options.dryRun) {
    for (const layer of layers) await removeLayer(host, layer, options.removeTree);
    for (const blob of blobs) rmSync(layout.blob(host, blob), { force: true });
    removeDanglingLinks(host);
  }
  return {
    isComplete: true,
    blobs,
    layers: layers.map((layer) => layerDir(host, layer)),
    containers,
    orphans,
    freedBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** Every blob that has a name, referenced or not. */
export function listBlobs(host: Host): Digest[] {
  return namesIn(layout.blobRoot(host)).flatMap((algorithm) =>
    namesIn(`${layout.blobRoot(host)}/${algorithm}`)
      .map((hex) => `${algorithm}:${hex}`)
      .filter(isDigest),
  );
}

/** Containers whose maker died before container.json: nobody holds their lock. */
export async function collectHalfMade(host: Host, { dryRun, removeTree }: CollectOptions): Promise<string[]> {
  const found: string[] = [];
  for (const id of containerIds(host).filter((one) => isHalfMade(host, one))) {
    using lock = tryLock(lockOf(host, 'container', id));
    // Looked at again under the lock: it may have been completed in between.
    if (!lock || !isHalfMade(host, id)) continue;
    if (!dryRun) await removeContainer(host, id, removeTree);
    found.push(id);
  }
  return found;
}

function isHalfMade(host: Host, id: string): boolean {
  try {
    return readContainer(host, id) === undefined;
  } catch {
    // A damaged record is no half-made one: check.ts reports it.
    return false;
  }
}

/** Short names whose layer never came or was deleted elsewhere; safe, since nobody adds layers meanwhile. */
function removeDanglingLinks(host: Host): void {
  for (const { path } of listLinks(host)) {
    if (!statSync(path, { throwIfNoEntry: false })) rmSync(path, { force: true });
  }
}
