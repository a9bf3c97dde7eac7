/** The archives of an image's layers, as the store and registries have them. */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { layerCompression, mediaTypes } from '../../oci/media-types.ts';
import { hasBlob } from '../../storage/blob-store.ts';
import { layerDir } from '../../storage/layer-store.ts';
import { layout } from '../../storage/layout.ts';
import type { Build, StageLayer } from './build-state.ts';

/** In the store: the base image's own, or a plain one. */
export async function archived(build: Build, { diffId, descriptor, archiveBytes }: StageLayer): Promise<Descriptor> {
  const { host, worker, ownerKind } = build;
  if (descriptor) return descriptor;
  const plain: Descriptor = { mediaType: mediaTypes.ociLayer, digest: diffId, size: archiveBytes ?? 0 };
  if (hasBlob(host, diffId, archiveBytes)) return plain;
  const directory = layerDir(host, { diffId, kind: ownerKind });
  const archive = build.scratch.file();
  const packed = await worker.ask<{ diffId: string; size: number }>({
    op: 'pack',
    directory,
    archive,
    isSingle: ownerKind === 's',
  });
  if (packed.diffId !== diffId) {
    throw new CtrError('VERIFY', `layer ${diffId} of the build cache is not what it was`, {
      hint: '`ctr builder prune --all` forgets the cache',
    });
  }
  const path = layout.blob(host, diffId);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  renameSync(archive, path);
  return { ...plain, size: packed.size };
}

/** As `archived`, but compressed: what a registry gets as it is, so that its digest is known now. */
export async function compressed(build: Build, layer: StageLayer): Promise<Descriptor> {
  const { host } = build;
  const archive = await archived(build, layer);
  if (layerCompression(archive.mediaType) !== 'none') return archive;
  const { recompress } = await import('../../image/recompress.ts');
  const { storeDestination } = await import('../../image/store-destination.ts');
  const { storeSource } = await import('../../image/store-source.ts');
  const blob = await storeSource(host, 'the image', archive).open(archive);
  using packed = disposable(await recompress(host, { layer: archive, blob, to: 'gzip' }));
  const descriptor = { mediaType: mediaTypes.ociLayerGzip, digest: packed.digest, size: packed.size };
  await storeDestination(host).putBlob(descriptor, packed, () => undefined);
  return descriptor;
}

const disposable = <T extends { close(): void }>(value: T) =>
  Object.assign(value, { [Symbol.dispose]: () => value.close() });

/** The same archive under the name that the manifest's format has for it. */
export function layerTypeIn(mediaType: string, isDocker: boolean): string {
  const names = [
    [mediaTypes.ociLayer, mediaTypes.dockerLayer],
    [mediaTypes.ociLayerGzip, mediaTypes.dockerLayerGzip],
  ] as const;
  const known = names.find((pair) => pair.some((each) => each === mediaType));
  return known ? known[isDocker ? 1 : 0] : mediaType;
}
