/**
 * Get an image from a registry into the store (distribution-spec "Pull", image-spec): resolve the name, choose the
 * manifest, fetch and unpack the layers, then record image and name. The order is what makes it crash-safe: a record
 * names only what is stored already, so a pull that dies leaves blobs and layers that the next one finds.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { isIndex, parseManifest } from '../oci/manifest.ts';
import { layerCompression } from '../oci/media-types.ts';
import { hostPlatform, parsePlatform } from '../oci/platform.ts';
import { canonicalName, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import { hasBlob, readBlob, writeBlob } from '../storage/blob-store.ts';
import {
  adoptImage,
  type ImageRecord,
  readImage,
  readOnlyHomeOf,
  readOwnTag,
  recordImage,
  type StoredImage,
  tagImage,
  tagName,
} from '../storage/image-store.ts';
import { hasLayer } from '../storage/layer-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import { type FetchLayersDeps, fetchLayers } from './fetch-layers.ts';
import { type Document, findRemoteImage, type RemoteImage } from './remote-image.ts';
import { findForPlatform } from './stored-image.ts';
import { endpointsFor, loadRegistriesConf, resolveName } from './transport/registries-conf.ts';
import { type AccessOptions, createRegistryAccess, type RegistryAccess } from './transport/registry-access.ts';

export type PullPolicy = 'always' | 'missing' | 'newer' | 'never';

export interface PullRequest extends AccessOptions {
  /** As the user wrote it; `docker://` in front is allowed. */
  readonly name: string;
  /** `os/arch[/variant]`; the host's when absent. */
  readonly platform?: string | undefined;
  readonly policy: PullPolicy;
  /** A name that has an image of the same index for this machine keeps it; the pulled one is kept beside it. */
  readonly keepName?: boolean | undefined;
}

type Wanted = Pick<PullRequest, 'platform' | 'keepName'>;

export type PullDeps = FetchLayersDeps;

export interface PulledImage {
  /** Undefined: a local image that was named by its ID. */
  readonly reference: Reference | undefined;
  readonly image: ImageRecord;
  /** What the registry has under the name: of the index, where there is one. Undefined: a local image. */
  readonly digest: Digest | undefined;
  readonly outcome: 'pulled' | 'present';
}

/** Make sure that the image is stored and unpacked, as the policy says. */
export async function pullImage(request: PullRequest, deps: PullDeps): Promise<PulledImage> {
  const name = withoutTransport(request.name);
  const stored = request.policy === 'always' ? undefined : findForPlatform(deps.host, name, request.platform);
  if (stored !== undefined && request.policy !== 'newer' && (await isUsable(stored, request, deps))) {
    return present(stored);
  }
  if (request.policy === 'never') {
    throw new CtrError('NOT_FOUND', `${request.name}: image not known`, { hint: '`ctr pull` gets it' });
  }
  const access = createRegistryAccess(deps.host, request);
  try {
    if (
      stored !== undefined &&
      (await isCurrent(stored, name, access, deps)) &&
      (await isUsable(stored, request, deps))
    ) {
      return present(stored);
    }
    return await pullFrom(access, name, request, deps);
  } finally {
    access.close();
  }
}

/** `pull --all-tags`: every tag of a repository, in the registry's order. */
export async function pullAllTags(request: Omit<PullRequest, 'policy'>, deps: PullDeps): Promise<PulledImage[]> {
  const name = withoutTransport(request.name);
  const conf = await loadRegistriesConf(deps.host);
  const [reference] = resolveName(name, conf);
  if (reference === undefined || reference.tag !== undefined || reference.digest !== undefined) {
    throw new CtrError('USAGE', "tag can't be used with --all-tags/-a");
  }
  const access = createRegistryAccess(deps.host, request);
  try {
    const [endpoint] = endpointsFor(reference, conf).filter(({ isMirror }) => !isMirror);
    const tags = endpoint === undefined ? [] : await access.connect(endpoint).registry.tags(endpoint.repository);
    const pulled: PulledImage[] = [];
    for (const tag of tags) {
      pulled.push(await pullFrom(access, canonicalName({ ...reference, tag }), request, deps));
    }
    return pulled;
  } finally {
    access.close();
  }
}

/**
 * Unpack the layers of a stored image that are not unpacked (after a power loss, or with other subordinate ids), from
 * its blobs. False when a blob is missing, too.
 */
export async function ensureUnpacked(image: ImageRecord, deps: FetchLayersDeps): Promise<boolean> {
  const { host, ownerKind: kind } = deps;
  if (image.diffIds.every((diffId) => hasLayer(host, { diffId, kind }))) return true;
  if (!hasBlob(host, image.manifest.digest, image.manifest.size)) return false;
  const manifest = parseManifest(readBlob(host, image.manifest), image.manifest.mediaType);
  if (isIndex(manifest)) throw new CtrError('INVALID', `image ${image.id}: its manifest is an index`);
  if (manifest.layers.some(({ digest, size }) => !hasBlob(host, digest, size))) return false;
  const layers = manifest.layers.flatMap((descriptor, at) => {
    const diffId = image.diffIds[at];
    return diffId ? [{ descriptor, diffId, compression: layerCompression(descriptor.mediaType) }] : [];
  });
  await fetchLayers(layers, undefined, deps);
  return true;
}

async function isUsable(stored: StoredImage, { keepName }: Wanted, deps: PullDeps): Promise<boolean> {
  const { host } = deps;
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  if (!(await unpackRecorded(stored, deps))) return false;
  // One that was only kept beside a name becomes an image of its own when somebody wants to run it.
  if (!keepName && !readImage(host, stored.image.id)) recordImage(host, stored.image);
  return true;
}

/** As ensureUnpacked, of an image that has a record: one of a read-only store becomes the user's own by it. */
export async function unpackRecorded(stored: StoredImage, deps: FetchLayersDeps): Promise<boolean> {
  const { host, ownerKind: kind } = deps;
  const { image } = stored;
  if (image.diffIds.every((diffId) => hasLayer(host, { diffId, kind }))) return true;
  const store = readOnlyHomeOf(host, stored);
  if (store) host.log.warn(`the layers in ${store} have other owners: they are unpacked into your own store (once)`);
  if (!(await ensureUnpacked(image, deps))) return false;
  if (store) adoptImage(host, stored);
  return true;
}

async function pullFrom(
  access: RegistryAccess,
  name: string,
  { platform: platformText, keepName }: Wanted,
  deps: PullDeps,
): Promise<PulledImage> {
  const { host, signal } = deps;
  const conf = await loadRegistriesConf(host);
  const platform = platformText === undefined ? hostPlatform() : parsePlatform(platformText);
  const remote = await findRemoteImage(resolveName(name, conf), platform, { host, access, conf, signal });
  // Shared with other pulls; keeps collection from deleting what no record names yet.
  using _lock = await lockWhenFree(storeLockOf(host), 'shared', signal === undefined ? {} : { signal });
  await fetchLayers(remote.layers, remote.source, deps);
  for (const document of [remote.configDocument, remote.manifest, remote.target]) store(host, document);
  const image = record(host, remote, keepName ?? false);
  return { reference: remote.reference, image, digest: remote.target.descriptor.digest, outcome: 'pulled' };
}

function store(host: Host, { descriptor, content }: Document): void {
  if (!hasBlob(host, descriptor.digest, descriptor.size)) writeBlob(host, descriptor.digest, content);
}

function record(host: Host, remote: RemoteImage, keepName: boolean): ImageRecord {
  const { reference, target, config, manifest, configDocument, layers } = remote;
  const id = configDocument.descriptor.digest;
  const described: ImageRecord = {
    id,
    config: configDocument.descriptor,
    manifest: manifest.descriptor,
    diffIds: layers.map(({ diffId }) => diffId),
    ...(config.created === undefined ? {} : { createdAt: config.created }),
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    sizeBytes: [manifest, configDocument, ...layers].reduce((sum, { descriptor }) => sum + descriptor.size, 0),
  };
  const tag = keepName ? readOwnTag(host, tagName(reference)) : undefined;
  if (tag?.target?.digest === target.descriptor.digest && tag.id !== id) {
    const { os, architecture, variant } = described;
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    const others = (tag.kept ?? []).filter(({ digest }) => digest !== manifest.descriptor.digest);
    tagImage(host, reference, { ...tag, kept: [...others, { ...manifest.descriptor, platform }] });
    return described;
  }
  recordImage(host, described);
  tagImage(host, reference, { id, manifest: manifest.descriptor, target: target.descriptor });
  const image = readImage(host, id);
  if (image === undefined) throw new CtrError('STATE', `image ${id} was removed while it was pulled`);
  return image;
}

/** `--pull=newer`: an error of the registry means that what is stored will do (podman-run(1) "--pull"). */
async function isCurrent(stored: StoredImage, name: string, access: RegistryAccess, deps: PullDeps): Promise<boolean> {
  const conf = await loadRegistriesConf(deps.host);
  const known = stored.tag?.target?.digest ?? stored.tag?.manifest.digest;
  for (const reference of resolveName(name, conf).map(withDefaultTag)) {
    const endpoint = endpointsFor(reference, conf).at(-1);
    if (endpoint === undefined) continue;
    try {
      const { registry } = access.connect(endpoint);
      const now = await registry.headManifest(endpoint.repository, reference.digest ?? reference.tag ?? 'latest');
      if (now !== undefined) return now === known;
    } catch (error) {
      if (!(error instanceof CtrError)) throw error;
      deps.host.log.debug(`${canonicalName(reference)} is not asked for a newer image: ${error.message}`);
    }
  }
  return true;
}

function present({ image, tag }: StoredImage): PulledImage {
  const reference = tag === undefined ? undefined : parseReference(tag.name);
  return { reference, image, digest: tag?.target?.digest, outcome: 'present' };
}

function withoutTransport(name: string): string {
  return name.replace(/^docker:\/\//, '');
}
