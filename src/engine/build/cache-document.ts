/**
 * A build cache outside of the store: key → layer, as the configuration of an OCI artifact whose layers are the steps'
 * layers, or inside an image's own configuration. Keys cover all that a step reads (step-key.ts), so they mean the same
 * to everybody; that a layer is what its step makes is the word of whoever wrote the cache.
 */
import { array, type Check, object, optional, parseJson, string } from '../../oci/check.ts';
import { type Descriptor, digest } from '../../oci/descriptor.ts';
import { type Digest, sha256Of } from '../../oci/digest.ts';
import type { ImageManifest } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-types.ts';

/** A finished step. Without a layer: it changed nothing. */
export interface CachedStep {
  readonly key: string;
  readonly diffId?: Digest;
}

export interface CacheDocument {
  /** Of the manifest's layers, in its order: compressing changes their digests, not these. */
  readonly diffIds: readonly Digest[];
  readonly steps: readonly CachedStep[];
}

export const cacheArtifactType = 'application/vnd.ctr.buildcache.v1';
const cacheConfigType = 'application/vnd.ctr.buildcache.config.v1+json';
/** The member of an image's configuration that holds an inline cache. */
export const inlineMember = 'ctr.buildcache.v1';

const steps: Check<readonly CachedStep[]> = array(object({ key: string, diffId: optional(digest) }));
const artifactConfig = object({ diffIds: array(digest), steps });
const imageConfig = object({
  rootfs: object({ diff_ids: array(digest) }),
  [inlineMember]: optional(object({ steps })),
});

/** Undefined: an image without an inline cache. `content` is the configuration, of a stranger. */
export function readCacheDocument({ artifactType }: ImageManifest, content: Buffer): CacheDocument | undefined {
  if (artifactType === cacheArtifactType) return parseJson(content, 'build cache', artifactConfig);
  const { rootfs, [inlineMember]: inline } = parseJson(content, 'image configuration', imageConfig);
  return inline && { diffIds: rootfs.diff_ids, steps: inline.steps };
}

export interface CacheArtifact {
  readonly manifest: readonly [content: Buffer, descriptor: Descriptor];
  readonly config: readonly [content: Buffer, descriptor: Descriptor];
}

/** The same steps give the same bytes. `layers` in any order, each once. */
export function cacheArtifact(
  steps: readonly CachedStep[],
  layers: ReadonlyArray<{ readonly diffId: Digest; readonly descriptor: Descriptor }>,
): CacheArtifact {
  const document: CacheDocument = {
    diffIds: layers.map(({ diffId }) => diffId),
    steps: [...steps].sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
  const config = documentOf(cacheConfigType, document);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: cacheArtifactType,
    config: config[1],
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { config, manifest: documentOf(manifest.mediaType, manifest) };
}

/** A document's bytes with the descriptor of them. */
export function documentOf(mediaType: string, value: object): readonly [Buffer, Descriptor] {
  const content = Buffer.from(JSON.stringify(value));
  return [content, { mediaType, digest: sha256Of(content), size: content.length }];
}
