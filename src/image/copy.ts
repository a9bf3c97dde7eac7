/**
 * Copy an image from anywhere to anywhere. Bytes stay as they are wherever the destination can hold them, so that
 * digests stay equal; a manifest is written anew only if a layer's compression or the format had to change.
 */

import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { sha256Of } from '../oci/digest.ts';
import { type ImageIndex, type ImageManifest, isIndex, parseManifest } from '../oci/manifest.ts';
import type { Compression } from '../oci/media-types.ts';
import { choosePlatform, formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts';
import type { CopyProgress, ImageDestination, ImageSource, ManifestFormat } from './content.ts';
import { convertManifest, formatOf, knownCompression, layerTypeFor } from './convert-manifest.ts';
import { recompress } from './recompress.ts';
import type { Document } from './remote-image.ts';

export interface CopyChoice {
  /** Every layer gets this; otherwise only what the destination needs changes. */
  readonly compression?: Compression | undefined;
  readonly compressionLevel?: number | undefined;
  readonly format?: ManifestFormat | undefined;
  /** All images of an index, and the index itself. */
  readonly all?: boolean | undefined;
  /** Which image out of an index; the host's platform when absent. */
  readonly platform?: Platform | undefined;
}

export interface CopyDeps {
  readonly host: Host;
  readonly progress?: CopyProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Copy extends CopyDeps {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly choice: CopyChoice;
}

/** As many as registries like to have from one client. */
const blobsAtOnce = 4;

/** Copy, and finish the destination. Returns what has the name there. */
export async function copyImage(
  source: ImageSource,
  destination: ImageDestination,
  choice: CopyChoice,
  deps: CopyDeps,
): Promise<Descriptor> {
  const written = await copyInto(source, destination, choice, deps);
  await destination.finish();
  return written;
}

/** Copy without finishing: a destination that takes several images gets them one after the other. */
export async function copyInto(
  source: ImageSource,
  destination: ImageDestination,
  choice: CopyChoice,
  deps: CopyDeps,
): Promise<Descriptor> {
  const copy: Copy = { ...deps, source, destination, choice };
  const target = await source.target();
  const parsed = parseManifest(target.content, target.descriptor.mediaType);
  if (!isIndex(parsed)) return copyManifest(copy, target, parsed, true);
  if (choice.all) return copyIndex(copy, target, parsed);
  const chosen = chooseMember(parsed, choice.platform ?? hostPlatform(), source.name);
  const member: Document = { descriptor: chosen, content: await source.document(chosen) };
  const manifest = parseManifest(member.content, chosen.mediaType);
  if (isIndex(manifest)) throw new CtrError('UNSUPPORTED', `${source.name}: an index inside of an index`);
  return copyManifest(copy, member, manifest, true);
}

function chooseMember(index: ImageIndex, platform: Platform, name: string): Descriptor {
  const images = index.manifests.filter(({ artifactType }) => artifactType === undefined);
  // An index of one image (a layout, mostly) need not say for which platform it is.
  const chosen = choosePlatform(platform, images) ?? (images.length === 1 ? images[0] : undefined);
  if (chosen) return chosen;
  throw new CtrError('NOT_FOUND', `${name} has no image for ${formatPlatform(platform)}`, {
    hint: 'choose with --platform, or copy all of them with --all',
  });
}

async function copyIndex(copy: Copy, target: Document, index: ImageIndex): Promise<Descriptor> {
  const members: Descriptor[] = [];
  for (const member of index.manifests) {
    const document = { descriptor: member, content: await copy.source.document(member) };
    const parsed = parseManifest(document.content, member.mediaType);
    if (isIndex(parsed)) throw new CtrError('UNSUPPORTED', `${copy.source.name}: an index inside of an index`);
    const written = await copyManifest(copy, document, parsed, false);
    members.push({ ...member, mediaType: written.mediaType, digest: written.digest, size: written.size });
  }
  const isSame = members.every(({ digest }, at) => digest === index.manifests[at]?.digest);
  const written = isSame ? target : documentOf({ ...index, manifests: members });
  await copy.destination.putManifest(written, true);
  return written.descriptor;
}

async function copyManifest(copy: Copy, document: Document, manifest: ImageManifest, isTarget: boolean) {
  const { source, destination, choice } = copy;
  const layers = await copyLayers(copy, manifest.layers);
  const content = await source.document(manifest.config);
  await putDocument(copy, { descriptor: manifest.config, content });
  const format = choice.format ?? destination.format ?? formatOf(manifest);
  const converted = convertManifest(manifest, layers, format);
  const written = converted === manifest ? document : documentOf(converted);
  await destination.putManifest(written, isTarget);
  return written.descriptor;
}

function documentOf(manifest: ImageManifest | ImageIndex): Document {
  const content = Buffer.from(JSON.stringify(manifest));
  return { descriptor: { mediaType: manifest.mediaType, digest: sha256Of(content), size: content.length }, content };
}

/** In the manifest's order; equal layers once. */
async function copyLayers(copy: Copy, layers: readonly Descriptor[]): Promise<readonly Descriptor[]> {
  const unique = new Map(layers.map((layer) => [layer.digest, layer]));
  for (const layer of unique.values()) copy.progress?.blob(layer, 'waiting', 0);
  const queue = [...unique.values()];
  const written = new Map<string, Descriptor>();
  let failure: unknown;
  const worker = async () => {
    for (let layer = queue.shift(); layer !== undefined; layer = queue.shift()) {
      copy.signal?.throwIfAborted();
      written.set(layer.digest, await copyLayer(copy, layer));
    }
  };
  const stopping = (error: unknown) => {
    queue.length = 0;
    failure ??= error;
  };
  await Promise.all(Array.from({ length: blobsAtOnce }, () => worker().catch(stopping)));
  if (failure !== undefined) throw failure;
  return layers.map((layer) => written.get(layer.digest) ?? layer);
}

async function copyLayer(copy: Copy, layer: Descriptor): Promise<Descriptor> {
  const { source, destination, progress, choice } = copy;
  const to = wantedCompression(copy, layer);
  if (to === undefined && (await destination.hasBlob(layer))) {
    progress?.blob(layer, 'exists', layer.size);
    return layer;
  }
  progress?.blob(layer, 'copying', 0);
  const blob = await source.open(layer);
  try {
    if (to === undefined) {
      const outcome = await destination.putBlob(layer, blob, (bytes) => progress?.blob(layer, 'copying', bytes));
      progress?.blob(layer, outcome === 'exists' ? 'exists' : 'done', layer.size);
      return layer;
    }
    const changed = await recompress(copy.host, { layer, blob, to, level: choice.compressionLevel });
    try {
      const descriptor = { mediaType: layerTypeFor(layer, to), digest: changed.digest, size: changed.size };
      await destination.putBlob(descriptor, changed, () => undefined);
      progress?.blob(layer, 'done', layer.size);
      return descriptor;
    } finally {
      changed.close();
    }
  } finally {
    blob.close();
  }
}

/** Undefined: the bytes stay. What is no layer archive (an artifact's content) always stays. */
function wantedCompression({ destination, choice }: Copy, layer: Descriptor): Compression | undefined {
  const is = knownCompression(layer.mediaType);
  if (is === undefined) return undefined;
  const wanted = choice.compression ?? neededBy(destination, is);
  return wanted === is ? undefined : wanted;
}

function neededBy({ layers }: ImageDestination, is: Compression): Compression {
  if (layers === 'plain') return 'none';
  return layers === 'compressed' && is === 'none' ? 'gzip' : is;
}

async function putDocument({ destination }: Copy, { descriptor, content }: Document): Promise<void> {
  if (await destination.hasBlob(descriptor)) return;
  const { Readable } = await import('node:stream');
  const read = (offset: number, length: number) => Readable.from([content.subarray(offset, offset + length)]);
  await destination.putBlob(descriptor, { read, close: () => undefined }, () => undefined);
}
