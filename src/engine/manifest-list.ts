/** `ctr manifest`: an index of images for several platforms, put together here and pushed as a whole. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ImageSource } from '../image/content.ts';
import type { CopyChoice } from '../image/copy.ts';
import type { AccessOptions } from '../image/transport/registry-access.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { sha256Of } from '../oci/digest.ts';
import { parseImageConfig } from '../oci/image-config.ts';
import { type ImageIndex, isIndex, parseManifest } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { Platform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { readBlob } from '../storage/blob-store.ts';
import { findImage } from '../storage/image-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import {
  findManifestList,
  listName,
  type ManifestList,
  resolveManifestList,
  writeManifestList,
} from '../storage/manifest-list-store.ts';
import type { CopyWatch } from './push.ts';

/** What is said of a member beside its digest. */
export interface MemberNotes {
  readonly platform?: Partial<Platform>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AddMembersRequest extends AccessOptions {
  readonly list: string;
  /** A stored image, or `docker://…` and the other transports. */
  readonly image: string;
  /** All images of an index, not only the one for this platform. */
  readonly all: boolean;
  readonly notes: MemberNotes;
}

/** An empty list. With `amend` one that exists is taken as it is. */
export function createManifestList(host: Host, name: string, amend: boolean): ManifestList {
  const existing = findManifestList(host, name);
  if (existing && !amend) throw new CtrError('EXISTS', `the manifest list ${existing.name} exists already`);
  const list = existing ?? { name: listName(name), manifests: [] };
  if (!existing) writeManifestList(host, list);
  return list;
}

/** Add an image; one with the same digest is replaced. Images from elsewhere are copied into the store. */
export async function addToManifestList(host: Host, request: AddMembersRequest, watch: CopyWatch): Promise<void> {
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  const before = resolveManifestList(host, request.list);
  const members = await membersToAdd(host, request, watch);
  const added = members.map((member) => annotated(member, request.notes));
  const digests = new Set(added.map(({ digest }) => digest));
  const list = resolveManifestList(host, before.name);
  writeManifestList(host, {
    ...list,
    manifests: [...list.manifests.filter(({ digest }) => !digests.has(digest)), ...added],
  });
}

async function membersToAdd(host: Host, request: AddMembersRequest, watch: CopyWatch): Promise<Descriptor[]> {
  const { parseLocation } = await import('../image/transport/image-location.ts');
  const stored = parseLocation(request.image) ? undefined : findImage(host, request.image);
  if (stored) return [withPlatform(host, stored.tag?.manifest ?? stored.image.manifest)];
  const location = parseLocation(request.image) ?? { transport: 'docker', name: request.image };
  const { copyInto } = await import('../image/copy.ts');
  const { openSource } = await import('../image/open-image.ts');
  const { storeDestination } = await import('../image/store-destination.ts');
  const source = await openSource(location, { host, options: request, signal: watch.signal });
  try {
    const copied = await copyInto(source, storeDestination(host), { all: request.all }, { host, ...watch });
    const manifest = parseManifest(readBlob(host, copied), copied.mediaType);
    if (!isIndex(manifest)) return [withPlatform(host, copied)];
    return manifest.manifests.map((member) => (member.platform ? member : withPlatform(host, member)));
  } finally {
    source.close();
  }
}

function withPlatform(host: Host, { mediaType, digest, size }: Descriptor): Descriptor {
  const manifest = parseManifest(readBlob(host, { digest, size }), mediaType);
  if (isIndex(manifest)) throw new CtrError('UNSUPPORTED', 'an index inside of an index');
  const { artifactType, config } = manifest;
  if (config.mediaType !== mediaTypes.ociConfig && config.mediaType !== mediaTypes.dockerConfig) {
    return { mediaType, digest, size, artifactType: artifactType ?? config.mediaType };
  }
  const { os, architecture, variant } = parseImageConfig(readBlob(host, config));
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { mediaType, digest, size, platform };
}

function annotated(member: Descriptor, { platform, annotations }: MemberNotes): Descriptor {
  const known = member.platform ?? { os: 'linux', architecture: 'unknown' };
  return {
    ...member,
    ...(platform && Object.keys(platform).length > 0 ? { platform: { ...known, ...platform } } : {}),
    ...(annotations && Object.keys(annotations).length > 0
      ? { annotations: { ...member.annotations, ...annotations } }
      : {}),
  };
}

/** Annotations of the list itself. */
export function annotateList(host: Host, name: string, annotations: Readonly<Record<string, string>>): void {
  const list = resolveManifestList(host, name);
  writeManifestList(host, { ...list, annotations: { ...list.annotations, ...annotations } });
}

/** Change what the list says of a member, which is named by its digest or as a stored image. */
export function annotateMember(host: Host, name: string, image: string, notes: MemberNotes): void {
  const list = resolveManifestList(host, name);
  const member = memberOf(host, list, image);
  const manifests = list.manifests.map((one) => (one === member ? annotated(one, notes) : one));
  writeManifestList(host, { ...list, manifests });
}

export function removeMember(host: Host, name: string, image: string): Descriptor {
  const list = resolveManifestList(host, name);
  const member = memberOf(host, list, image);
  writeManifestList(host, { ...list, manifests: list.manifests.filter((one) => one !== member) });
  return member;
}

function memberOf(host: Host, list: ManifestList, image: string): Descriptor {
  const byDigest = list.manifests.find(({ digest }) => digest === image);
  const stored = byDigest ? undefined : findImage(host, image);
  const wanted = stored?.tag?.manifest.digest ?? stored?.image.manifest.digest;
  const member = byDigest ?? list.manifests.find(({ digest }) => digest === wanted);
  if (member) return member;
  throw new CtrError('NOT_FOUND', `${list.name} has no image ${image}`);
}

export function indexOf({ manifests, annotations }: ManifestList): ImageIndex {
  const rest = annotations === undefined ? {} : { annotations };
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...rest };
}

export interface ListPushRequest extends AccessOptions, Omit<CopyChoice, 'all' | 'platform'> {
  readonly list: string;
  readonly destination?: string | undefined;
}

/** Upload the index with all its images. */
export async function pushManifestList(host: Host, request: ListPushRequest, watch: CopyWatch): Promise<Descriptor> {
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  const list = resolveManifestList(host, request.list);
  const { copyImage } = await import('../image/copy.ts');
  const { openDestination } = await import('../image/open-image.ts');
  const { parseLocation } = await import('../image/transport/image-location.ts');
  const named = request.destination ?? list.name;
  const location = parseLocation(named) ?? { transport: 'docker', name: named };
  const options = { host, options: request, signal: watch.signal };
  const destination = await openDestination(location, options, { names: [list.name] });
  try {
    return await copyImage(await sourceOf(host, list), destination, { ...request, all: true }, { host, ...watch });
  } finally {
    destination.close();
  }
}

async function sourceOf(host: Host, list: ManifestList): Promise<ImageSource> {
  const { storeSource } = await import('../image/store-source.ts');
  const content = Buffer.from(JSON.stringify(indexOf(list)));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: sha256Of(content), size: content.length };
  return { ...storeSource(host, list.name, descriptor), target: async () => ({ descriptor, content }) };
}

/** The JSON of a list, of a stored image's manifest, or of what a registry has under the name. */
export async function inspectManifest(host: Host, name: string, options: AccessOptions): Promise<Buffer> {
  const list = findManifestList(host, name);
  if (list) return Buffer.from(JSON.stringify(indexOf(list)));
  const stored = findImage(host, name);
  const index = stored?.tag?.kept && stored.tag.target;
  if (stored) return readBlob(host, index ?? stored.tag?.manifest ?? stored.image.manifest);
  const { connectTo } = await import('../image/open-image.ts');
  const { manifestReference } = await import('../image/transport/registry-image.ts');
  const reference = parseReference(name.replace(/^docker:\/\//, ''));
  const { access, connection } = await connectTo(reference, { host, options });
  try {
    const wanted = manifestReference(reference);
    return (await connection.registry.getManifest(connection.endpoint.repository, wanted)).content;
  } finally {
    access.close();
  }
}
