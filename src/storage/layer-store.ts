/**
 * Unpacked layers: `layers/<diffId>-<kind>/` with the tree in diff/ and a record in layer.json. The directory gets
 * its name by one rename when it is complete, so what has the name is whole as far as running processes can see.
 *
 * Power loss is another matter: a rename can be on the disk before the files. One syncfs(2) per pull (not one fsync
 * per file) settles it, and until it has returned, the record says `synced: false` with the boot id. Within the same
 * boot such a layer is good; after a reboot it counts as absent and is unpacked again from its blob. So `run` need not
 * wait for the disk at all, and a forgotten sync costs time but never a damaged container.
 */
import { closeSync, mkdirSync, openSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, withSpaceHint, writeJsonFile } from '../base/json-file.ts';
import { syncfs } from '../linux/files.ts';
import { bootId } from '../linux/process-identity.ts';
import { boolean, type Check, natural, object, parsed, string } from '../oci/check.ts';
import { digest } from '../oci/descriptor.ts';
import { type Digest, hexOf, parseDigest } from '../oci/digest.ts';
import { layout, type OwnerKind, parseOwnerKind } from './layout.ts';
import { lockNow, lockOf } from './lock.ts';
import { readOnlyStores } from './read-only-stores.ts';
import { ensureDataRoot, namesIn } from './roots.ts';
import { createStagingDirectory, discardTree, type RemoveTree } from './staging.ts';

export interface LayerKey {
  readonly diffId: Digest;
  readonly kind: OwnerKind;
}

export interface LayerRecord extends LayerKey {
  /** Name in layers/l/ of a symlink to diff/: a few characters, so that hundreds fit into overlay's options. */
  readonly link: string;
  /** Space that the tree takes, as du(1) counts it. */
  readonly sizeBytes: number;
  readonly bootId: string;
  readonly synced: boolean;
}

const layerRecord: Check<LayerRecord> = object({
  diffId: digest,
  kind: parsed(parseOwnerKind),
  link: string,
  sizeBytes: natural,
  bootId: string,
  synced: boolean,
});

/** The directory that holds the layer's tree: where it is, or would be when it is nowhere. */
export function layerDir(host: Host, key: LayerKey): string {
  const own = diffDirOf(host, key);
  if (host.additionalStores.length === 0 || statSync(own, { throwIfNoEntry: false })) return own;
  return diffDirOf(elsewhere(host, key)?.place ?? host, key);
}

/** The record of a layer that can be used; undefined when it is not there, or may be damaged by a power loss. */
export function readLayer(host: Host, key: LayerKey): LayerRecord | undefined {
  return readOwnLayer(host, key) ?? elsewhere(host, key)?.record;
}

/** A name for overlay's options, relative to layers/l/; undefined when the layer cannot be used. */
export function layerLink(host: Host, key: LayerKey): string | undefined {
  const own = readOwnLayer(host, key)?.link;
  if (own !== undefined) return own;
  const found = elsewhere(host, key);
  return found && makeLink(host, key, diffDirOf(found.place, key));
}

/** As readLayer, without the stores that are only read. */
export function readOwnLayer(host: Host, key: LayerKey): LayerRecord | undefined {
  const record = readLayerEvenUnsynced(host, key);
  return record && (record.synced || record.bootId === bootId()) ? record : undefined;
}

/** The layer in the first read-only store whose layers can be used as they are. */
function elsewhere(host: Host, key: LayerKey): { place: Host; record: LayerRecord } | undefined {
  for (const { place, hasUsableLayers } of readOnlyStores(host)) {
    const record = hasUsableLayers ? readOwnLayer(place, key) : undefined;
    if (record) return { place, record };
  }
  return undefined;
}

export function hasLayer(host: Host, key: LayerKey): boolean {
  return readLayer(host, key) !== undefined;
}

/** A layer on its way in; disposing it deletes what is not published. */
export interface LayerStaging extends Disposable {
  /** An empty directory to unpack into. */
  readonly diffDir: string;
  /**
   * Make the layer visible to others, at once and as a whole. If another process was faster, its layer stays and
   * this one is deleted. The content need not be on the disk: see syncLayers.
   */
  publish(sizeBytes: number): Promise<LayerRecord>;
}

/** As LayerStaging, for a layer whose digest is known only when it is made. */
export interface UnnamedStaging extends Disposable {
  readonly diffDir: string;
  publish(key: LayerKey, sizeBytes: number): Promise<LayerRecord>;
}

/** Begin a layer. `removeTree` is needed only if a damaged one with files of subordinate ids is in its place. */
export function stageLayer(host: Host, key: LayerKey, removeTree?: RemoveTree): LayerStaging {
  const staging = stageUnnamedLayer(host, removeTree);
  return {
    diffDir: staging.diffDir,
    [Symbol.dispose]: () => staging[Symbol.dispose](),
    publish: (sizeBytes) => staging.publish(key, sizeBytes),
  };
}

export function stageUnnamedLayer(host: Host, removeTree?: RemoveTree): UnnamedStaging {
  ensureDataRoot(host);
  const staging = createStagingDirectory(host);
  const diffDir = `${staging.path}/diff`;
  try {
    mkdirSync(diffDir, { mode: 0o755 });
  } catch (error) {
    staging[Symbol.dispose]();
    throw withSpaceHint(error, host.dataRoot);
  }
  return {
    diffDir,
    [Symbol.dispose]: () => staging[Symbol.dispose](),
    async publish(key, sizeBytes) {
      try {
        const record = {
          ...key,
          link: makeLink(host, key, linkTarget(key)),
          sizeBytes,
          bootId: bootId(),
          synced: false,
        };
        writeJsonFile(`${staging.path}/layer.json`, record);
        return await moveIntoPlace(host, record, staging.path, removeTree);
      } catch (error) {
        throw withSpaceHint(error, host.dataRoot);
      } finally {
        staging[Symbol.dispose]();
      }
    },
  };
}

/** Put everything on the disk with one syncfs(2) and then say so in the layers' records. Once per pull or build. */
export function syncLayers(host: Host, keys: readonly LayerKey[]): void {
  const fresh = keys.flatMap((key) => readOwnLayer(host, key) ?? []).filter(({ synced }) => !synced);
  if (fresh.length === 0) return;
  const fd = openSync(layout.layers(host), 'r');
  try {
    syncfs(fd);
  } catch (error) {
    throw withSpaceHint(error, host.dataRoot);
  } finally {
    closeSync(fd);
  }
  // Not durable itself: if this is lost, the layer counts as unsynced after a reboot, which is safe.
  for (const record of fresh) writeJsonFile(recordPath(host, record), { ...record, synced: true });
}

/** Delete a layer that nothing refers to (gc.ts decides). False when files of subordinate ids wait in tmp/. */
export async function removeLayer(host: Host, key: LayerKey, removeTree?: RemoveTree): Promise<boolean> {
  const record = readLayerEvenUnsynced(host, key);
  if (record) rmSync(linkPath(host, record.link), { force: true });
  return discardTree(host, layout.layer(host, hexOf(key.diffId), key.kind), removeTree);
}

/** All layers that have a name, usable or not. */
export function listLayers(host: Host): LayerKey[] {
  return namesIn(layout.layers(host)).flatMap((name) => {
    const [, hex, kind] = /^([0-9a-f]{64}|[0-9a-f]{128})-([ms]|x[0-9a-f]{8})$/.exec(name) ?? [];
    if (hex === undefined || kind === undefined) return [];
    return [{ diffId: parseDigest(`${hex.length === 64 ? 'sha256' : 'sha512'}:${hex}`), kind: parseOwnerKind(kind) }];
  });
}

/** Make a missing short name again. */
export function restoreLink(host: Host, record: LayerRecord): void {
  symlinkSync(linkTarget(record), linkPath(host, record.link));
}

/** The short links and what they point to: `../<hex>-<kind>/diff`, or the same in another store. */
export function listLinks(host: Host): Array<{ readonly path: string; readonly target: string }> {
  return namesIn(layout.layerLinks(host)).map((name) => {
    const path = linkPath(host, name);
    return { path, target: readlinkSync(path) };
  });
}

function readLayerEvenUnsynced(host: Host, key: LayerKey): LayerRecord | undefined {
  const path = recordPath(host, key);
  const value = readJsonFile(path);
  return value === undefined ? undefined : layerRecord(value, path);
}

async function moveIntoPlace(
  host: Host,
  record: LayerRecord,
  from: string,
  removeTree: RemoveTree | undefined,
): Promise<LayerRecord> {
  const directory = layout.layer(host, hexOf(record.diffId), record.kind);
  // Only replacing a damaged layer needs the lock: two processes must not replace each other's fresh one.
  using _lock = lockNow(lockOf(host, 'layer', `${hexOf(record.diffId)}-${record.kind}`));
  const existing = readLayerOrDamaged(host, record);
  if (existing) return existing;
  await discardTree(host, directory, removeTree);
  renameSync(from, directory);
  return record;
}

/** A record that is no JSON (cut off by a power loss) is as good as none. */
function readLayerOrDamaged(host: Host, key: LayerKey): LayerRecord | undefined {
  try {
    return readOwnLayer(host, key);
  } catch (error) {
    if (error instanceof CtrError) return undefined;
    throw error;
  }
}

/** The shortest prefix of the digest, from four digits on, that no other layer has taken. */
function makeLink(host: Host, key: LayerKey, target: string): string {
  const hex = hexOf(key.diffId);
  for (let length = 4; length <= hex.length; length++) {
    const link = hex.slice(0, length);
    try {
      symlinkSync(target, linkPath(host, link));
      return link;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if (readlinkSync(linkPath(host, link)) === target) return link;
    }
  }
  throw new CtrError('INTERNAL', `no short name is left for layer ${key.diffId}`);
}

const diffDirOf = (place: Host, { diffId, kind }: LayerKey) => `${layout.layer(place, hexOf(diffId), kind)}/diff`;
const linkTarget = ({ diffId, kind }: LayerKey) => `../${hexOf(diffId)}-${kind}/diff`;
const linkPath = (host: Host, link: string) => `${layout.layerLinks(host)}/${link}`;
const recordPath = (host: Host, { diffId, kind }: LayerKey) => `${layout.layer(host, hexOf(diffId), kind)}/layer.json`;
