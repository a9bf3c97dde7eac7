/** Image manifests and indexes (image-spec manifest.md, image-index.md) with Docker's schema 2 twins. */
import { CtrError } from '../base/ctr-error.ts';
import { array, type Check, literal, object, optional, parseJson, record, string, unknown } from './check.ts';
import { type Descriptor, descriptor } from './descriptor.ts';
import { mediaTypes } from './media-types.ts';

export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType: typeof mediaTypes.ociManifest | typeof mediaTypes.dockerManifest;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: typeof mediaTypes.ociIndex | typeof mediaTypes.dockerList;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Manifest = ImageManifest | ImageIndex;

export function isIndex(manifest: Manifest): manifest is ImageIndex {
  return 'manifests' in manifest;
}

/** What the registry may send at most (distribution-spec "Pushing Manifests": 4 MiB is what clients can rely on). */
export const maxManifestBytes = 4 * 1024 * 1024;

/** Read only to find out the kind; a document that is two kinds at once is refused (CVE-2021-41190). */
const outline = object({
  schemaVersion: optional(unknown),
  mediaType: optional(string),
  config: optional(unknown),
  layers: optional(unknown),
  manifests: optional(unknown),
  fsLayers: optional(unknown),
});

const shared = {
  schemaVersion: literal(2),
  artifactType: optional(string),
  subject: optional(descriptor),
  annotations: optional(record(string)),
};

const imageManifest: Check<ImageManifest> = object({
  ...shared,
  mediaType: literal(mediaTypes.ociManifest, mediaTypes.dockerManifest),
  config: descriptor,
  layers: array(descriptor),
});

const imageIndex: Check<ImageIndex> = object({
  ...shared,
  mediaType: literal(mediaTypes.ociIndex, mediaTypes.dockerList),
  manifests: array(descriptor),
});

/**
 * Parse a manifest or an index. The document's own mediaType decides; where it has none (allowed for OCI), the
 * `contentType` that came with it, and then its shape.
 */
export function parseManifest(content: string | Uint8Array, contentType?: string): Manifest {
  if (content.length > maxManifestBytes) throw new CtrError('INVALID', 'manifest: larger than 4 MiB');
  const document = parseJson(content, 'manifest', record(unknown));
  const { schemaVersion, mediaType, config, layers, manifests, fsLayers } = outline(document, 'manifest');
  if (schemaVersion === 1 || fsLayers !== undefined) {
    throw new CtrError('UNSUPPORTED', 'manifest: Docker schema 1 is not supported', {
      hint: 'this image was pushed by a Docker from before 2017; pull and push it once with a tool that converts it',
    });
  }
  if (manifests !== undefined && (layers !== undefined || config !== undefined || fsLayers !== undefined)) {
    throw new CtrError('INVALID', 'manifest: both an image and an index (CVE-2021-41190)');
  }
  const byShape = manifests === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
  const kind = { ...document, mediaType: mediaType || manifestTypeOf(contentType) || byShape };
  return manifests === undefined ? imageManifest(kind, 'manifest') : imageIndex(kind, 'manifest');
}

/** The media type in a Content-Type header if it is one of a manifest; registries also send `text/plain` and the like. */
function manifestTypeOf(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  return type !== undefined && /^application\/vnd\.(oci|docker)\./.test(type) ? type : undefined;
}
