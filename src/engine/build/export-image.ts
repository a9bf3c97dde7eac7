/** The built image gets its record and names; those of several platforms, or with attestations, an index above them. */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { ImageIndex } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { formatPlatform, hostPlatform, platformMatches } from '../../oci/platform.ts';
import { parseReference, type Reference, withDefaultTag } from '../../oci/reference.ts';
import { type ImageRecord, readImage, readTag, recordImage, tagImage, tagName } from '../../storage/image-store.ts';
import { findManifestList, listName, writeManifestList } from '../../storage/manifest-list-store.ts';
import { annotationsAt } from './annotations.ts';
import type { Build, Finished } from './build-state.ts';
import { documentOf } from './cache-document.ts';
import { store, type WrittenImage, writeImage } from './write-image.ts';

export interface BuiltImage {
  /** For this machine, else the first one. */
  readonly image: ImageRecord;
  /** What the names stand for: the manifest, or the index. */
  readonly target: Descriptor;
  readonly members: readonly WrittenImage[];
}

export async function exportImage(finished: readonly Finished[]): Promise<BuiltImage> {
  const members: WrittenImage[] = [];
  const attested: Descriptor[] = [];
  for (const { build, state } of finished) {
    const written = await writeImage(build, state);
    members.push(written);
    if (build.request.attestations.length === 0) continue;
    const { attest } = await import('./attest.ts');
    attested.push(await attest(build, state, written));
  }
  const [{ build }] = finished as [Finished];
  const { host } = build;
  const [first] = members as [WrittenImage];
  const own = members.find(({ platform }) => platformMatches(hostPlatform(), platform)) ?? first;
  recordImage(host, own.record);
  const descriptors = [...members.map((member) => described(build, member)), ...attested];
  const target = descriptors.length === 1 ? own.manifest : writeIndex(build, descriptors);
  const kept = descriptors.filter(({ digest }) => digest !== own.manifest.digest);
  for (const text of build.request.names) {
    name(build, withDefaultTag(parseReference(text, 'localhost')), { own, target, kept });
  }
  if (build.request.manifest !== undefined) addToList(build, build.request.manifest, descriptors);
  return { image: readImage(host, own.record.id) ?? own.record, target, members };
}

/** The entry of an index. */
function described({ request }: Build, { manifest, platform }: WrittenImage): Descriptor {
  const annotations = annotationsAt(request, 'manifest-descriptor', formatPlatform(platform));
  return { ...manifest, platform, ...(annotations ? { annotations } : {}) };
}

function writeIndex(build: Build, manifests: readonly Descriptor[]): Descriptor {
  const { request } = build;
  const mediaType = request.format === 'v2s2' ? mediaTypes.dockerList : mediaTypes.ociIndex;
  const annotations = annotationsAt(request, 'index');
  const index: ImageIndex = { schemaVersion: 2, mediaType, manifests, ...(annotations ? { annotations } : {}) };
  const document = documentOf(mediaType, index);
  store(build, document);
  return document[1];
}

interface Named {
  readonly own: WrittenImage;
  readonly target: Descriptor;
  readonly kept: readonly Descriptor[];
}

function name({ host }: Build, reference: Reference, { own, target, kept }: Named): void {
  const { id } = own.record;
  const { manifest } = own;
  const known = readTag(host, tagName(reference));
  const isSame = known?.id === id && known.manifest.digest === manifest.digest;
  if (kept.length === 0) {
    if (!isSame || known.kept) tagImage(host, reference, { id, manifest });
  } else if (!isSame || known.target?.digest !== target.digest) {
    tagImage(host, reference, { id, manifest, target, kept });
  }
}

/** podman-build(1) "--manifest": the list is made if there is none. */
function addToList({ host }: Build, text: string, added: readonly Descriptor[]): void {
  const list = findManifestList(host, text) ?? { name: listName(text), manifests: [] };
  const digests = new Set(added.map(({ digest }) => digest));
  const manifests = [...list.manifests.filter(({ digest }) => !digests.has(digest)), ...added];
  writeManifestList(host, { ...list, manifests });
}
