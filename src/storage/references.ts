/** What the store's records refer to: the roots from which gc.ts and check.ts decide what is in use. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isIndex, parseManifest } from '../oci/manifest.ts';
import { type BlobKey, hasBlob, readBlob } from './blob-store.ts';
import { listBuildSteps } from './build-step-store.ts';
import { listContainers } from './container-store.ts';
import { type ImageRecord, listImages, listTags } from './image-store.ts';
import type { LayerKey } from './layer-store.ts';
import { listManifestLists } from './manifest-list-store.ts';

export interface References {
  /** Blobs that something needs, with what needs them. */
  readonly blobs: ReadonlyMap<Digest, Reference>;
  readonly diffIds: ReadonlySet<Digest>;
  /** Layers unpacked for a map of ids of its own that containers have, by their directory's name. */
  readonly ownMapLayers: ReadonlySet<string>;
  /** Records that could not be followed; while there are any, nothing may be deleted on the word of the rest. */
  readonly unreadable: readonly string[];
}

export interface Reference {
  readonly by: string;
  readonly size: number;
}

export function collectReferences(host: Host): References {
  const blobs = new Map<Digest, Reference>();
  const diffIds = new Set<Digest>();
  const unreadable: string[] = [];
  const reader = { ...host, log: { ...host.log, warn: (message: string) => void unreadable.push(message) } };
  const add = ({ digest, size }: BlobKey, by: string) => blobs.set(digest, { by, size });
  const addManifest = (manifest: Descriptor, by: string) => {
    add(manifest, by);
    for (const member of membersOf(host, manifest)) add(member, by);
  };

  for (const image of listImages(reader)) {
    const by = `image ${image.id}`;
    add(image.config, by);
    addManifest(image.manifest, by);
    for (const diffId of image.diffIds) diffIds.add(diffId);
  }
  for (const tag of listTags(reader)) {
    addManifest(tag.manifest, tag.name);
    // An index is kept to know its digest; of the images in it only those that a build or a base image needed are here.
    if (tag.target && hasBlob(host, tag.target.digest)) add(tag.target, tag.name);
    for (const manifest of tag.kept ?? []) addManifest(manifest, tag.name);
  }
  for (const { name, manifests } of listManifestLists(reader)) {
    for (const manifest of manifests) if (hasBlob(host, manifest.digest)) addManifest(manifest, name);
  }
  // What builds may use again stays until `builder prune`.
  for (const { diffId } of listBuildSteps(host)) if (diffId !== undefined) diffIds.add(diffId);
  const { containers, broken } = listContainers(host);
  const ownMapLayers = new Set<string>();
  for (const { diffIds: used, ownerKind: kind } of containers) {
    for (const diffId of used) {
      diffIds.add(diffId);
      ownMapLayers.add(layerName({ diffId, kind }));
    }
  }
  unreadable.push(...broken.map(({ id, reason }) => `container ${id}: ${reason}`));
  return { blobs, diffIds, ownMapLayers, unreadable };
}

export const layerName = ({ diffId, kind }: LayerKey): string => `${diffId}-${kind}`;

/** The blobs of one image: config, manifest, layer archives. */
export function membersOfImage(host: Host, image: Pick<ImageRecord, 'config' | 'manifest'>): readonly BlobKey[] {
  return [image.config, image.manifest, ...membersOf(host, image.manifest)];
}

/** What a manifest consists of; nothing where the manifest itself is missing or damaged (check.ts says so). */
function membersOf(host: Host, manifest: BlobKey): readonly BlobKey[] {
  try {
    const parsed = parseManifest(readBlob(host, manifest));
    return isIndex(parsed) ? [] : [parsed.config, ...parsed.layers];
  } catch (error) {
    if (error instanceof CtrError) return [];
    throw error;
  }
}
