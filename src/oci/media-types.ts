/** Media types of images (image-spec media-types.md; distribution "Image Manifest V 2, Schema 2") and what they mean here. */
import { CtrError } from '../base/ctr-error.ts';

export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

/** What to ask a registry for when a tag may be an image or an index of images. */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.ociManifest,
  mediaTypes.ociIndex,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
];

export type Compression = 'none' | 'gzip' | 'zstd';

const layerCompressions: Readonly<Record<string, Compression>> = {
  [mediaTypes.ociLayer]: 'none',
  [mediaTypes.ociLayerGzip]: 'gzip',
  [mediaTypes.ociLayerZstd]: 'zstd',
  [mediaTypes.dockerLayer]: 'none',
  [mediaTypes.dockerLayerGzip]: 'gzip',
  [mediaTypes.dockerLayerZstd]: 'zstd',
};

/** How a layer archive is compressed; throws UNSUPPORTED for what is no layer, or may not be distributed. */
export function layerCompression(mediaType: string): Compression {
  const compression = Object.hasOwn(layerCompressions, mediaType) ? layerCompressions[mediaType] : undefined;
  if (compression !== undefined) return compression;
  if (/foreign|nondistributable/.test(mediaType)) {
    throw new CtrError('UNSUPPORTED', `the layer's media type ${mediaType} is not distributed by registries`, {
      hint: 'images with foreign layers are Windows images in practice; choose another --platform',
    });
  }
  throw new CtrError('UNSUPPORTED', `unknown layer media type ${JSON.stringify(mediaType)}`, {
    hint: 'this may be an artifact and no container image',
  });
}
