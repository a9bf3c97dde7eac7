/**
 * Archives of `docker save` (moby image/spec v1.2 "Combined Image JSON + Filesystem Changeset Format"): manifest.json
 * lists configs, names and layers. What they lack, descriptors, is computed.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import { bytesPassed } from '../../base/passing-bytes.ts';
import { array, object, optional, parseJson, string } from '../../oci/check.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { hasherFor, hexOf, parseDigest, sha256Of } from '../../oci/digest.ts';
import { maxConfigBytes, parseImageConfig } from '../../oci/image-config.ts';
import { type ImageManifest, isIndex, maxManifestBytes, parseManifest } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import type { ImageSource } from '../content.ts';
import { compressionOf } from '../layer/decompress.ts';
import type { Document } from '../remote-image.ts';
import { type FileSet, readSmallFile } from './file-set.ts';
import type { FileSink } from './file-sink.ts';
import { type FoundImage, type ImageCollection, openFile, putFile } from './oci-layout.ts';

const imageShape = object({
  Config: string,
  RepoTags: optional(array(string)),
  Layers: optional(array(string)),
});
type SavedImage = ReturnType<typeof imageShape>;

/** All images of an archive. Layers are read once, for their digests. */
export async function imagesInDockerArchive(files: FileSet): Promise<FoundImage[]> {
  const images = parseJson(readSmallFile(files, 'manifest.json', maxManifestBytes), 'manifest.json', array(imageShape));
  const known = new Map<string, Descriptor>();
  const found: FoundImage[] = [];
  for (const image of images) {
    found.push({ names: image.RepoTags ?? [], source: await savedImageSource(files, image, known) });
  }
  return found;
}

/** The image with that name (with or without docker.io), or the only one. */
export async function imageInDockerArchive(files: FileSet, name: string | undefined): Promise<ImageSource> {
  const images = await imagesInDockerArchive(files);
  const fitting = name === undefined ? images : images.filter(({ names }) => names.includes(name));
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return only.source;
  throw new CtrError('NOT_FOUND', `${files.name} has ${fitting.length} images${name ? ` called ${name}` : ''}`, {
    hint: `it has ${images.flatMap(({ names }) => names).join(', ') || 'none with a name'}`,
  });
}

async function savedImageSource(
  files: FileSet,
  image: SavedImage,
  known: Map<string, Descriptor>,
): Promise<ImageSource> {
  const configContent = readSmallFile(files, image.Config, maxConfigBytes);
  const config: Document = {
    descriptor: {
      mediaType: mediaTypes.dockerConfig,
      digest: sha256Of(configContent),
      size: configContent.length,
    },
    content: configContent,
  };
  const layers: Descriptor[] = [];
  const fileOf = new Map<string, string>();
  for (const name of image.Layers ?? []) {
    const path = files.path(name);
    if (path === undefined) throw new CtrError('INVALID', `${files.name}: layer ${name} is missing`);
    const layer = known.get(path) ?? (await describeLayer(path));
    known.set(path, layer);
    fileOf.set(layer.digest, name);
    layers.push(layer);
  }
  checkLayers(files, configContent, layers.length);
  const target = manifestOf(config.descriptor, layers);
  return {
    name: image.RepoTags?.[0] ?? files.name,
    target: async () => target,
    async document(descriptor) {
      if (descriptor.digest === config.descriptor.digest) return config.content;
      throw new CtrError('NOT_FOUND', `${files.name}: ${descriptor.digest} is missing`);
    },
    open: async ({ digest }) => openFile(files, fileOf.get(digest) ?? ''),
    close: () => undefined,
  };
}

function checkLayers(files: FileSet, config: Buffer, count: number): void {
  const { diff_ids: diffIds } = parseImageConfig(config).rootfs;
  if (diffIds.length === count) return;
  throw new CtrError('INVALID', `${files.name}: ${count} layers, but the image config has ${diffIds.length} diff_ids`);
}

/** Members in the order in which Go writes them, as skopeo does: the same archive gives the same digest in both. */
function manifestOf(config: Descriptor, layers: readonly Descriptor[]): Document {
  const manifest: ImageManifest = { schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config, layers };
  const content = Buffer.from(JSON.stringify(manifest));
  return { descriptor: { mediaType: manifest.mediaType, digest: sha256Of(content), size: content.length }, content };
}

/** Older archives hold plain tar; with containerd's store, Docker saves layers as they were pulled. */
async function describeLayer(path: string): Promise<Descriptor> {
  const hasher = hasherFor(parseDigest(`sha256:${'0'.repeat(64)}`));
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    hasher.update(chunk);
    bytesPassed(chunk.length);
  }
  return { mediaType: layerTypeOf(path), digest: hasher.digest(), size: statSync(path).size };
}

function layerTypeOf(path: string): string {
  const head = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head);
  } finally {
    closeSync(fd);
  }
  return layerTypes[compressionOf(head)];
}

const layerTypes = {
  none: mediaTypes.dockerLayer,
  gzip: mediaTypes.dockerLayerGzip,
  zstd: mediaTypes.dockerLayerZstd,
} as const;

/** Write an archive that Docker and Podman load. */
export function dockerArchiveCollection(sink: FileSink): ImageCollection {
  const images = new Map<string, { Config: string; RepoTags: string[]; Layers: string[] }>();
  const nameOf = ({ mediaType, digest }: Descriptor) =>
    `${hexOf(digest)}.${mediaType === mediaTypes.dockerConfig || mediaType === mediaTypes.ociConfig ? 'json' : 'tar'}`;
  const finish = async () => {
    await sink.add('manifest.json', JSON.stringify([...images.values()]));
    await sink.finish();
  };
  return {
    image: (names) => ({
      name: sink.name,
      layers: 'plain',
      format: 'v2s2',
      hasBlob: async (descriptor) => sink.has(nameOf(descriptor)),
      putBlob: (descriptor, blob, onBytes) => putFile(sink, nameOf(descriptor), { descriptor, blob, onBytes }),
      async putManifest({ descriptor, content }) {
        const manifest = parseManifest(content, descriptor.mediaType);
        if (isIndex(manifest)) throw new CtrError('UNSUPPORTED', 'an archive for Docker holds no index of images');
        const Config = nameOf(manifest.config);
        const RepoTags = [...(images.get(Config)?.RepoTags ?? []), ...names];
        images.set(Config, { Config, RepoTags, Layers: manifest.layers.map(nameOf) });
      },
      finish,
      close: () => sink.close(),
    }),
  };
}
