/** `ctr push`: an image of the store to a registry, or to any other place that a copy can go to. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { CopyProgress, ManifestFormat } from '../image/content.ts';
import type { CopyChoice } from '../image/copy.ts';
import type { ImageLocation } from '../image/transport/image-location.ts';
import type { AccessOptions } from '../image/transport/registry-access.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isIndex, parseManifest } from '../oci/manifest.ts';
import type { Compression } from '../oci/media-types.ts';
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts';
import { hasBlob, readBlob } from '../storage/blob-store.ts';
import {
  listEveryTag,
  readTag,
  repositoryOf,
  resolveImage,
  type StoredImage,
  tagImage,
  tagName,
} from '../storage/image-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';

export interface PushRequest extends AccessOptions {
  /** The image, by name or ID. */
  readonly name: string;
  /** A name in a registry or a location (`oci:DIR`, …); the image's own name when absent. */
  readonly destination?: string | undefined;
  readonly compression?: Compression | undefined;
  readonly compressionLevel?: number | undefined;
  readonly format?: ManifestFormat | undefined;
}

export interface CopyWatch {
  readonly progress?: CopyProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Pushed {
  /** Where it is now: the canonical name, or the location as given. */
  readonly destination: string;
  readonly manifest: Descriptor;
}

/** Returns when the destination has the whole image under its name. */
export async function push(host: Host, request: PushRequest, watch: CopyWatch = {}): Promise<Pushed> {
  const { parseLocation } = await import('../image/transport/image-location.ts');
  // Shared: keeps collection from deleting what is being sent.
  using _lock = await lockWhenFree(storeLockOf(host), 'shared', watch.signal ? { signal: watch.signal } : {});
  const stored = resolveImage(host, request.name);
  const named = request.destination ?? nameToPush(host, request.name, stored);
  const location: ImageLocation = parseLocation(named) ?? { transport: 'docker', name: named };
  const all = isWholeIndex(host, stored) && request.format === undefined;
  const target = (all ? stored.tag?.target : stored.tag?.manifest) ?? stored.image.manifest;
  const names = stored.tag && !stored.tag.name.includes('@') ? [stored.tag.name] : [];
  const sent = { id: stored.image.id, name: request.name, names, target };
  return sendStored(host, sent, location, { ...request, all }, watch);
}

/** An image, or an index of images, whose blobs are all in the store. */
export interface StoredTarget {
  readonly target: Descriptor;
  /** Of the image for this machine. */
  readonly id: Digest;
  /** For messages. */
  readonly name: string;
  /** What archives and layouts call it when the location has no name. */
  readonly names: readonly string[];
}

/** The caller holds the store's lock shared. */
export async function sendStored(
  host: Host,
  { target, id, name, names }: StoredTarget,
  location: ImageLocation,
  request: AccessOptions & CopyChoice,
  watch: CopyWatch,
): Promise<Pushed> {
  const { copyImage } = await import('../image/copy.ts');
  const { openDestination } = await import('../image/open-image.ts');
  const { storeSource } = await import('../image/store-source.ts');
  const mountFrom = (domain: string, digest: Digest) => siblingWith(host, domain, digest);
  const deps = { host, options: request, signal: watch.signal };
  const destination = await openDestination(location, deps, { names, mountFrom });
  try {
    const manifest = await copyImage(storeSource(host, name, target), destination, request, { host, ...watch });
    if (location.transport === 'docker') remember(host, location.name, id, manifest);
    return { destination: destination.name, manifest };
  } finally {
    destination.close();
  }
}

/** Whether the store has every image of the index that the name stands for: one that was built here. */
function isWholeIndex(host: Host, { tag }: StoredImage): boolean {
  if (!tag?.target || !tag.kept || !hasBlob(host, tag.target.digest, tag.target.size)) return false;
  const index = parseManifest(readBlob(host, tag.target), tag.target.mediaType);
  const stored = new Set([tag.manifest, ...tag.kept].map(({ digest }) => digest));
  return isIndex(index) && index.manifests.every(({ digest }) => stored.has(digest));
}

/** `push --all-tags`: the names here of a repository, which is given without a tag. */
export function tagsToPush(host: Host, text: string): string[] {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new CtrError('USAGE', "tag can't be used with --all-tags/-a");
  }
  const repository = repositoryName(reference);
  const names = listEveryTag(host).flatMap(({ name }) => (name.includes('@') ? [] : name));
  const found = names.filter((name) => repositoryOf(name) === repository);
  if (found.length > 0) return found;
  throw new CtrError('NOT_FOUND', `${text}: no tag of it is here`, { hint: '`ctr images` lists what is stored' });
}

/** The name that was given, or the only one that the image has. */
function nameToPush(host: Host, given: string, { tag, image }: StoredImage): string {
  const names = tag ? [tag.name] : listEveryTag(host).flatMap(({ id, name }) => (id === image.id ? [name] : []));
  const [only, ...others] = names.filter((name) => !name.includes('@'));
  if (only !== undefined && others.length === 0) return only;
  throw new CtrError('USAGE', `${given}: where to?`, {
    hint: `name the destination: ctr push ${given} registry.example/name:tag`,
  });
}

/** A local tag of that name now knows what the registry has: inspect shows it under RepoDigests. */
function remember(host: Host, name: string, id: Digest, target: Descriptor): void {
  const reference = withDefaultTag(parseReference(name));
  const tag = readTag(host, tagName(reference));
  // The index of a build is in the store as it was pushed.
  if (tag?.id === id && !tag.kept && reference.digest === undefined) tagImage(host, reference, { ...tag, target });
}

/** A repository of the registry that an image of ours with this blob came from or went to. */
function siblingWith(host: Host, domain: string, digest: Digest): string | undefined {
  for (const { name, manifest, target } of listEveryTag(host)) {
    const reference = parseReference(name);
    if (reference.domain !== domain || target === undefined || !hasBlob(host, manifest.digest, manifest.size)) continue;
    const parsed = parseManifest(readBlob(host, manifest), manifest.mediaType);
    if (!isIndex(parsed) && [parsed.config, ...parsed.layers].some((one) => one.digest === digest)) {
      return reference.path;
    }
  }
  return undefined;
}

/** `tag: digest: sha256:… size: n`, as Docker ends a push. */
export function pushedLine({ destination, manifest }: Pushed): string {
  const tag = parseReference(destination).tag ?? 'latest';
  return `${tag}: digest: ${manifest.digest} size: ${manifest.size}`;
}
