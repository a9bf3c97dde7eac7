/**
 * The finished stage becomes an image of the store: archives of its layers, configuration, manifest, record, names.
 * Layers of other stages, and steps that are only cached, never get an archive.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { ImageConfig } from '../../oci/image-config.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { parseReference, type Reference, withDefaultTag } from '../../oci/reference.ts';
import { hasBlob, writeBlob } from '../../storage/blob-store.ts';
import { type ImageRecord, readImage, readTag, recordImage, tagImage, tagName } from '../../storage/image-store.ts';
import { layerDir, syncLayers } from '../../storage/layer-store.ts';
import { layout } from '../../storage/layout.ts';
import { type Build, diffIdsOf, type StageLayer, type StageState } from './build-state.ts';
import { documentOf, inlineMember } from './cache-document.ts';
import { createdText } from './stage.ts';

export interface BuiltImage {
  readonly image: ImageRecord;
  readonly manifest: Descriptor;
}

export async function exportImage(build: Build, state: StageState): Promise<BuiltImage> {
  const { host, request, ownerKind } = build;
  const references = request.names.map((name) => withDefaultTag(parseReference(name, 'localhost')));
  const layers: Descriptor[] = [];
  for (const layer of state.layers) layers.push(await archived(build, layer));
  // One sync for the layers and their archives; nothing refers to them before.
  syncLayers(
    host,
    [...new Set(diffIdsOf(state))].map((diffId) => ({ diffId, kind: ownerKind })),
  );
  const { config, manifest, image } = documentsOf(build, state, layers);
  for (const [document, { digest, size }] of [config, manifest]) {
    if (!hasBlob(host, digest, size)) writeBlob(host, digest, document);
  }
  const record = recordOf(state, image, config[1], manifest[1], layers);
  recordImage(host, record);
  for (const reference of references) name(build, reference, record, manifest[1]);
  return { image: readImage(host, record.id) ?? record, manifest: manifest[1] };
}

function name({ host }: Build, reference: Reference, { id }: ImageRecord, manifest: Descriptor): void {
  const known = readTag(host, tagName(reference));
  if (known?.id === id && known.manifest.digest === manifest.digest) return;
  tagImage(host, reference, { id, manifest });
}

/** The layer's archive in the store: the base image's own, or a plain one. */
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

function documentsOf(build: Build, state: StageState, layers: readonly Descriptor[]) {
  const { request } = build;
  const isDocker = request.format === 'v2s2';
  const { config, ...rest } = state.image;
  const labels = { ...config.Labels, ...request.labels };
  const created = createdText(build, state);
  const image = {
    ...rest,
    created,
    config: { ...config, ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}) },
    rootfs: { type: 'layers', diff_ids: diffIdsOf(state) },
    history: state.history,
    ...(request.cacheTo.some(({ type }) => type === 'inline') ? { [inlineMember]: { steps: state.steps } } : {}),
  } satisfies ImageConfig;
  const configDocument = documentOf(isDocker ? mediaTypes.dockerConfig : mediaTypes.ociConfig, image);
  const mediaType = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const manifest = {
    ...{ schemaVersion: 2, mediaType, config: configDocument[1] },
    layers: layers.map((layer) => ({ ...layer, mediaType: typeOf(layer.mediaType, isDocker) })),
    ...(Object.keys(request.annotations).length > 0 && !isDocker ? { annotations: request.annotations } : {}),
  };
  return { config: configDocument, manifest: documentOf(mediaType, manifest), image };
}

/** The same archive under the name that the manifest's format has for it. */
function typeOf(mediaType: string, isDocker: boolean): string {
  const names = [
    [mediaTypes.ociLayer, mediaTypes.dockerLayer],
    [mediaTypes.ociLayerGzip, mediaTypes.dockerLayerGzip],
  ] as const;
  const known = names.find((pair) => pair.some((each) => each === mediaType));
  return known ? known[isDocker ? 1 : 0] : mediaType;
}

function recordOf(
  state: StageState,
  image: ImageConfig,
  config: Descriptor,
  manifest: Descriptor,
  layers: readonly Descriptor[],
): ImageRecord {
  return {
    ...{ id: config.digest, config, manifest, diffIds: diffIdsOf(state) },
    ...(image.created === undefined ? {} : { createdAt: image.created }),
    ...{ os: image.os, architecture: image.architecture },
    ...(image.variant === undefined ? {} : { variant: image.variant }),
    sizeBytes: [manifest, config, ...layers].reduce((sum, { size }) => sum + size, 0),
  };
}
