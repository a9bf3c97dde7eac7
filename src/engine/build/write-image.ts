/**
 * A finished stage as an image: archives of its layers, configuration and manifest, in the store. Layers of other stages,
 * and steps that are only cached, never get an archive. Nothing refers to it yet.
 */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { ContainerDefaults, ImageConfig } from '../../oci/image-config.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { formatPlatform, type Platform } from '../../oci/platform.ts';
import { hasBlob, writeBlob } from '../../storage/blob-store.ts';
import type { ImageRecord } from '../../storage/image-store.ts';
import { syncLayers } from '../../storage/layer-store.ts';
import { annotationsAt } from './annotations.ts';
import type { BuildRequest } from './build-request.ts';
import { type Build, diffIdsOf, type StageState } from './build-state.ts';
import { documentOf, inlineMember } from './cache-document.ts';
import { archived, compressed, layerTypeIn } from './layer-archive.ts';
import { createdText } from './stage.ts';

export interface WrittenImage {
  readonly record: ImageRecord;
  readonly manifest: Descriptor;
  readonly platform: Platform;
}

export async function writeImage(build: Build, state: StageState): Promise<WrittenImage> {
  const { host, request, ownerKind } = build;
  const archive = request.push || request.attestations.length > 0 ? compressed : archived;
  const layers: Descriptor[] = [];
  for (const layer of state.layers) layers.push(await archive(build, layer));
  // One sync for the layers and their archives; nothing refers to them before.
  syncLayers(
    host,
    [...new Set(diffIdsOf(state))].map((diffId) => ({ diffId, kind: ownerKind })),
  );
  const { config, manifest, image } = documentsOf(build, state, layers);
  for (const document of [config, manifest]) store(build, document);
  const { os, architecture, variant } = image;
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { record: recordOf(state, image, config[1], manifest[1], layers), manifest: manifest[1], platform };
}

export function store({ host }: Build, [content, { digest, size }]: readonly [Buffer, Descriptor]): void {
  if (!hasBlob(host, digest, size)) writeBlob(host, digest, content);
}

function documentsOf(build: Build, state: StageState, layers: readonly Descriptor[]) {
  const { request } = build;
  const isDocker = request.format === 'v2s2';
  const { config, ...rest } = state.image;
  const created = createdText(build, state);
  const image = {
    ...rest,
    created,
    config: finalConfig(config, request),
    rootfs: { type: 'layers', diff_ids: diffIdsOf(state) },
    history: request.omitHistory ? [] : state.history,
    ...(request.cacheTo.some(({ type }) => type === 'inline') ? { [inlineMember]: { steps: state.steps } } : {}),
  } satisfies ImageConfig;
  const configDocument = documentOf(isDocker ? mediaTypes.dockerConfig : mediaTypes.ociConfig, image);
  const mediaType = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const annotations = annotationsAt(request, 'manifest', formatPlatform(image));
  const manifest = {
    ...{ schemaVersion: 2, mediaType, config: configDocument[1] },
    layers: layers.map((layer) => ({ ...layer, mediaType: layerTypeIn(layer.mediaType, isDocker) })),
    ...(annotations ? { annotations } : {}),
  };
  return { config: configDocument, manifest: documentOf(mediaType, manifest), image };
}

/** What flags say of the image comes last: no step sees it. */
function finalConfig(
  config: ContainerDefaults,
  { labels, env, unsetEnv, unsetLabels }: BuildRequest,
): ContainerDefaults {
  const gone = new Set([...unsetEnv, ...Object.keys(env)]);
  const kept = (config.Env ?? []).filter((entry) => !gone.has(entry.slice(0, entry.indexOf('='))));
  const Env = [...kept, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const { Labels: inherited, ...rest } = config;
  const all = Object.entries({ ...inherited, ...labels }).filter(([name]) => !unsetLabels.includes(name));
  return {
    ...(all.length > 0 ? config : rest),
    ...(Env.length > 0 || config.Env ? { Env } : {}),
    ...(all.length > 0 ? { Labels: Object.fromEntries(all) } : {}),
  };
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
