/** From a name to the one image that is meant: where it is, which manifest out of an index, and its configuration. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { type ImageConfig, maxConfigBytes, parseImageConfig } from '../oci/image-config.ts';
import { type ImageIndex, type ImageManifest, isIndex, parseManifest } from '../oci/manifest.ts';
import { type Compression, layerCompression, mediaTypes } from '../oci/media-types.ts';
import { choosePlatform, formatPlatform, type Platform, platformMatches } from '../oci/platform.ts';
import { canonicalName, type Reference, withDefaultTag } from '../oci/reference.ts';
import { hasBlob, readBlob } from '../storage/blob-store.ts';
import { type BlobSource, downloadWhole } from './download-blob.ts';
import { endpointsFor, type RegistriesConf } from './transport/registries-conf.ts';
import type { RegistryAccess, RegistryConnection } from './transport/registry-access.ts';

/** A descriptor together with the bytes that it describes. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}

export interface RemoteLayer {
  readonly descriptor: Descriptor;
  readonly compression: Compression;
  readonly diffId: Digest;
}

export interface RemoteImage {
  readonly reference: Reference;
  readonly source: BlobSource;
  /** What the name points to: the index, or the manifest itself. */
  readonly target: Document;
  readonly manifest: Document;
  readonly configDocument: Document;
  readonly config: ImageConfig;
  readonly layers: readonly RemoteLayer[];
}

export interface ResolveDeps {
  readonly host: Host;
  readonly access: RegistryAccess;
  readonly conf: RegistriesConf;
  readonly signal?: AbortSignal | undefined;
}

interface Located {
  readonly reference: Reference;
  readonly connection: RegistryConnection;
  readonly target: Document;
}

/** The image for `platform` that the first of `candidates` which exists stands for. */
export async function findRemoteImage(
  candidates: readonly Reference[],
  platform: Platform,
  deps: ResolveDeps,
): Promise<RemoteImage> {
  const { reference, connection, target } = await locate(candidates, deps);
  const source: BlobSource = { access: deps.access, connection, signal: deps.signal };
  const parsed = parseManifest(target.content, target.descriptor.mediaType);
  const manifest = isIndex(parsed) ? await chooseManifest(parsed, platform, source) : target;
  const image = parseManifest(manifest.content, manifest.descriptor.mediaType);
  if (isIndex(image)) throw new CtrError('UNSUPPORTED', `${canonicalName(reference)}: an index inside of an index`);
  checkConfigType(image, reference);
  const content = await readConfig(deps.host, image.config, source);
  const config = parseImageConfig(content);
  if (!platformMatches(platform, config)) {
    const [is, wanted] = [formatPlatform(config), formatPlatform(platform)];
    deps.host.log.warn(`image platform (${is}) does not match the expected platform (${wanted})`);
  }
  const configDocument = { descriptor: image.config, content };
  return { reference, source, target, manifest, configDocument, config, layers: layersOf(image, config) };
}

/** Ask every registry (short names may mean several) and every mirror of it until one has the manifest. */
async function locate(candidates: readonly Reference[], deps: ResolveDeps): Promise<Located> {
  const failures: CtrError[] = [];
  for (const candidate of candidates.map(withDefaultTag)) {
    for (const endpoint of endpointsFor(candidate, deps.conf)) {
      const connection = deps.access.connect(endpoint);
      try {
        const target = await fetchManifest(connection, candidate.digest ?? candidate.tag ?? 'latest', deps.signal);
        return { reference: candidate, connection, target };
      } catch (error) {
        if (!(error instanceof CtrError) || deps.signal?.aborted) throw error;
        failures.push(error);
      }
    }
  }
  const [only, ...others] = failures;
  if (only === undefined) throw new CtrError('NOT_FOUND', 'there is no registry to ask');
  if (others.length === 0) throw only;
  const last = failures.at(-1) ?? only;
  const texts = failures.map(({ message }) => `\n  ${message}`).join('');
  throw new CtrError(last.code, `no registry had the image:${texts}`, { hint: last.hint, cause: last.cause });
}

async function fetchManifest(
  { registry, endpoint }: RegistryConnection,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<Document> {
  const { content, digest, contentType } = await registry.getManifest(endpoint.repository, reference, signal);
  const { mediaType } = parseManifest(content, contentType);
  return { descriptor: { mediaType, digest, size: content.length }, content };
}

async function chooseManifest(index: ImageIndex, platform: Platform, source: BlobSource): Promise<Document> {
  const images = index.manifests.filter(({ artifactType }) => artifactType === undefined);
  const chosen = choosePlatform(platform, images);
  if (chosen === undefined) {
    const { architecture, variant = '', os } = platform;
    const offered = images.flatMap((one) => (one.platform ? formatPlatform(one.platform) : []));
    const kind = index.mediaType === mediaTypes.dockerList ? 'manifest list' : 'image index';
    throw new CtrError(
      'NOT_FOUND',
      `no image found in ${kind} for architecture "${architecture}", variant "${variant}", OS "${os}"`,
      { hint: `it has ${[...new Set(offered)].join(', ') || 'none'}; choose with --platform` },
    );
  }
  const document = await fetchManifest(source.connection, chosen.digest, source.signal);
  if (document.content.length !== chosen.size) {
    throw new CtrError('VERIFY', `manifest ${chosen.digest} has not the ${chosen.size} bytes that the index says`);
  }
  return document;
}

/** Old registries say octet-stream; anything else is an artifact (a chart, a signature, a model), not for running. */
function checkConfigType({ config, artifactType }: ImageManifest, reference: Reference): void {
  const known: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig, 'application/octet-stream'];
  if (known.includes(config.mediaType)) return;
  const type = artifactType ?? config.mediaType;
  throw new CtrError('UNSUPPORTED', `${canonicalName(reference)} is an artifact (${type}), not a container image`);
}

async function readConfig(host: Host, config: Descriptor, source: BlobSource): Promise<Buffer> {
  if (hasBlob(host, config.digest, config.size)) return readBlob(host, config);
  return downloadWhole(source, config, maxConfigBytes);
}

function layersOf(manifest: ImageManifest, config: ImageConfig): RemoteLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new CtrError(
      'INVALID',
      `the manifest has ${manifest.layers.length} layers, but the image config has ${diffIds.length} diff_ids`,
    );
  }
  return manifest.layers.flatMap((descriptor, at) => {
    const diffId = diffIds[at];
    return diffId ? [{ descriptor, diffId, compression: layerCompression(descriptor.mediaType) }] : [];
  });
}
