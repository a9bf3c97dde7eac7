/**
 * `gc.maxSize` in ~/.config/ctr/ctr.toml: when images take more than that after a pull, a load or a build, those go that were
 * not used for the longest time. Images of containers stay, and so does what was just fetched or made.
 */
import { statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { humanSize, parseSize } from '../base/units.ts';
import type { Digest } from '../oci/digest.ts';
import { configPath, readConfigFile } from '../storage/config-file.ts';
import { listContainers } from '../storage/container-store.ts';
import { type ImageRecord, listImages } from '../storage/image-store.ts';
import { imageUsedMs, markImageUsed } from '../storage/image-use.ts';
import { readOwnLayer } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { membersOfImage } from '../storage/references.ts';

/** Bytes; undefined without a policy. */
async function maxSize(host: Host): Promise<number | undefined> {
  const text = (await readConfigFile(host)).gc?.maxSize;
  const bytes = text === undefined ? undefined : parseSize(text);
  if (text !== undefined && bytes === undefined) {
    throw new CtrError('INVALID', `${configPath(host)}: gc.maxSize is ${JSON.stringify(text)}, which is no size`, {
      hint: 'write it like "20GB" or "512MiB"',
    });
  }
  return bytes;
}

/** Called when `fresh` have been stored, and no lock is held. Returns what was removed. */
export async function keepToMaxSize(host: Host, fresh: readonly Digest[]): Promise<readonly Digest[]> {
  for (const id of fresh) markImageUsed(host, id);
  const limit = await maxSize(host);
  if (limit === undefined) return [];
  const images = listImages(host);
  const used = new Set(listContainers(host).containers.map(({ imageId }) => imageId));
  const candidates = images
    .filter(({ id }) => !used.has(id) && !fresh.includes(id))
    .sort((a, b) => imageUsedMs(host, a.id) - imageUsedMs(host, b.id));
  const kept = new Set(images);
  const chosen: ImageRecord[] = [];
  let bytes = bytesOf(host, kept);
  while (bytes > limit) {
    const oldest = candidates.shift();
    if (oldest === undefined) break;
    kept.delete(oldest);
    chosen.push(oldest);
    bytes = bytesOf(host, kept);
  }
  if (bytes > limit) {
    host.log.warn(`images in use take ${humanSize(bytes)}, more than gc.maxSize (${humanSize(limit)})`);
  }
  if (chosen.length > 0) await remove(host, chosen);
  return chosen.map(({ id }) => id);
}

async function remove(host: Host, images: readonly ImageRecord[]): Promise<void> {
  const [{ removeImages }, { removeTreeInside }] = await Promise.all([
    import('./image-remove.ts'),
    import('./user-namespace.ts'),
  ]);
  const ids = images.map(({ id }) => id);
  host.log.info(`gc.maxSize: removing ${ids.length === 1 ? 'an image' : `${ids.length} images`} not used for long`);
  const removeTree = (path: string) => removeTreeInside(host, path);
  await removeImages(host, ids, { force: true, ignore: true, removeTree });
}

/** What the images take, each blob and each layer once. */
function bytesOf(host: Host, images: ReadonlySet<ImageRecord>): number {
  const blobs = new Set<Digest>();
  const diffIds = new Set<Digest>();
  for (const image of images) {
    for (const { digest } of membersOfImage(host, image)) blobs.add(digest);
    for (const diffId of image.diffIds) diffIds.add(diffId);
  }
  const packed = [...blobs].map((digest) => statSync(layout.blob(host, digest), { throwIfNoEntry: false })?.size ?? 0);
  const kinds = ['m', 's'] as const;
  const unpacked = [...diffIds].flatMap((diffId) =>
    kinds.map((kind) => readOwnLayer(host, { diffId, kind })?.sizeBytes ?? 0),
  );
  return [...packed, ...unpacked].reduce((sum, size) => sum + size, 0);
}
