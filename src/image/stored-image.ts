/** Images whose blobs are in the store, by their manifests: no network, no unpacking. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { parseImageConfig } from '../oci/image-config.ts';
import { isIndex, parseManifest } from '../oci/manifest.ts';
import { choosePlatform, parsePlatform, platformMatches } from '../oci/platform.ts';
import { readBlob } from '../storage/blob-store.ts';
import { findImage, type ImageRecord, type StoredImage } from '../storage/image-store.ts';

/** The record of the image that a stored manifest describes. Throws INVALID or UNSUPPORTED where it is no image. */
export function describeStored(host: Host, descriptor: Descriptor): ImageRecord {
  const manifest = parseManifest(readBlob(host, descriptor), descriptor.mediaType);
  if (isIndex(manifest)) throw new CtrError('UNSUPPORTED', 'an index of images is no image');
  const config = parseImageConfig(readBlob(host, manifest.config));
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== manifest.layers.length) {
    throw new CtrError('INVALID', `the manifest has ${manifest.layers.length} layers, the config ${diffIds.length}`);
  }
  return {
    id: manifest.config.digest,
    config: manifest.config,
    manifest: descriptor,
    diffIds,
    ...(config.created === undefined ? {} : { createdAt: config.created }),
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    sizeBytes: [descriptor, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * The stored image of that name for a platform, which may be another one of its index; undefined when there is none.
 * One of the index has no record of its own until it is used.
 */
export function findForPlatform(host: Host, name: string, platformText: string | undefined): StoredImage | undefined {
  const stored = findImage(host, name);
  if (stored === undefined || platformText === undefined) return stored;
  const platform = parsePlatform(platformText);
  if (platformMatches(platform, stored.image)) return stored;
  const { tag } = stored;
  const member = choosePlatform(platform, tag?.kept?.filter((one) => one.platform !== undefined) ?? []);
  if (!tag || !member) return undefined;
  const image = describeStored(host, member);
  return { image, tag: { ...tag, id: image.id, manifest: member } };
}
