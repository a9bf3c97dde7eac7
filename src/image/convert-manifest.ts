/** An image manifest in the media types of the image-spec or of Docker's schema 2; the config's bytes stay as they are. */
import { CtrError } from '../base/ctr-error.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { ImageManifest } from '../oci/manifest.ts';
import { type Compression, mediaTypes } from '../oci/media-types.ts';
import type { ManifestFormat } from './content.ts';

const layerTypes: Readonly<Record<ManifestFormat, Readonly<Record<Compression, string>>>> = {
  oci: { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd },
  v2s2: { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd },
};

export function formatOf({ mediaType }: ImageManifest): ManifestFormat {
  return mediaType === mediaTypes.dockerManifest ? 'v2s2' : 'oci';
}

/** How a layer is compressed, by its media type; undefined for what is no layer archive. */
export function knownCompression(mediaType: string): Compression | undefined {
  for (const types of Object.values(layerTypes)) {
    const found = (['none', 'gzip', 'zstd'] as const).find((compression) => types[compression] === mediaType);
    if (found) return found;
  }
  return undefined;
}

/** The media type of the same layer, compressed in another way. */
export function layerTypeFor(layer: Descriptor, compression: Compression): string {
  const isDocker = Object.values(layerTypes.v2s2).includes(layer.mediaType);
  return layerTypes[isDocker ? 'v2s2' : 'oci'][compression];
}

/** The manifest with `layers`, in `format`; the same object where nothing changes. */
export function convertManifest(
  manifest: ImageManifest,
  layers: readonly Descriptor[],
  format: ManifestFormat,
): ImageManifest {
  const isSame = layers.every(({ digest }, at) => digest === manifest.layers[at]?.digest);
  if (formatOf(manifest) === format) {
    return isSame ? manifest : { ...manifest, layers: layers.map((layer) => convertLayer(layer, format)) };
  }
  if (!isImage(manifest)) throw new CtrError('UNSUPPORTED', 'an artifact has no form in Docker’s manifest schema 2');
  const converted = layers.map((layer) => convertLayer(layer, format));
  const config = (mediaType: string) => ({ ...manifest.config, mediaType });
  if (format === 'oci') {
    return { ...manifest, mediaType: mediaTypes.ociManifest, config: config(mediaTypes.ociConfig), layers: converted };
  }
  // Schema 2 knows neither annotations nor subjects.
  const { schemaVersion } = manifest;
  return {
    schemaVersion,
    mediaType: mediaTypes.dockerManifest,
    config: config(mediaTypes.dockerConfig),
    layers: converted,
  };
}

const isImage = ({ config }: ImageManifest) =>
  config.mediaType === mediaTypes.ociConfig || config.mediaType === mediaTypes.dockerConfig;

/** A layer under the name that the manifest's format has for it. */
export function convertLayer(layer: Descriptor, format: ManifestFormat): Descriptor {
  const compression = knownCompression(layer.mediaType);
  if (compression === undefined && format === 'oci') return layer;
  if (compression === undefined) {
    throw new CtrError('UNSUPPORTED', `a layer of type ${layer.mediaType} cannot be converted`);
  }
  if (format === 'v2s2' && compression === 'zstd') {
    throw new CtrError('UNSUPPORTED', 'Docker’s manifest schema 2 has no zstd layers', {
      hint: 'use --format oci, or --compression-format gzip',
    });
  }
  return { ...layer, mediaType: layerTypes[format][compression] };
}
