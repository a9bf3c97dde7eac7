/** `ctr commit`: an image of what a container is now: its image's layers and one more with its changes. */
import { createReadStream, openSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { withSpaceHint, writeAll } from '../base/json-file.ts';
import { bytesPassed } from '../base/passing-bytes.ts';
import { convertLayer } from '../image/convert-manifest.ts';
import { pipe } from '../linux/descriptors.ts';
import { changeConfig } from '../oci/config-change.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, hasherFor, parseDigest, sha256Of } from '../oci/digest.ts';
import type { ContainerDefaults, HistoryEntry, ImageConfig } from '../oci/image-config.ts';
import { isIndex, parseManifest } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { hostPlatform } from '../oci/platform.ts';
import { parseReference, withDefaultTag } from '../oci/reference.ts';
import { createBlobWriter, readBlob, writeBlob } from '../storage/blob-store.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { type ImageRecord, readImage } from '../storage/image-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import { startFilesWorker } from './container-files.ts';
import { layerTreesWithOwners, mountPointsOf, requireUpper } from './container-trees.ts';
import { readConfig } from './images.ts';
import type { RunRequest } from './run-request.ts';
import { storedRequest } from './stored-request.ts';
import { unpackingFor } from './unpacking.ts';

export interface CommitRequest {
  readonly name?: string | undefined;
  readonly changes: readonly string[];
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** Freeze the container meanwhile. */
  readonly pause: boolean;
  /** One layer instead of the image's and one more. */
  readonly squash: boolean;
  /** The manifest's format; Docker's keeps what OCI's has no place for. */
  readonly format: 'oci' | 'docker';
  readonly createdAt: Date;
}

/** Returns the new image's ID. */
export async function commitContainer(host: Host, container: ContainerRecord, request: CommitRequest): Promise<Digest> {
  if (!request.squash) requireUpper(container, 'commit');
  const reference = request.name === undefined ? undefined : withDefaultTag(parseReference(request.name, 'localhost'));
  const base = container.imageId === undefined ? undefined : readImage(host, container.imageId);
  const config = configOf(host, base, container, request);
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  const layer = await storeLayer(host, container, request);
  const manifest = storeDocuments(host, { base, container, config, layer }, request);
  const { recordStored } = await import('../image/store-destination.ts');
  const image = await recordStored(manifest, reference ? [reference] : [], { host, ...(await unpackingFor(host)) });
  return image.id;
}

async function frozen<T>(host: Host, container: ContainerRecord, pause: boolean, work: () => Promise<T>): Promise<T> {
  if (!pause || !readRunningState(host, container.id)) return work();
  const { pauseContainer, unpauseContainer } = await import('./pause-container.ts');
  await pauseContainer(host, container);
  try {
    return await work();
  } finally {
    unpauseContainer(host, container);
  }
}

interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

const emptySha256 = parseDigest(`sha256:${'0'.repeat(64)}`);

/** The layer is unpacked while its archive is written: what was read once is read from memory, and two processors work. */
async function storeLayer(host: Host, container: ContainerRecord, request: CommitRequest): Promise<StoredLayer> {
  const { unpacker } = await unpackingFor(host);
  const layers = await unpacker();
  const writer = createBlobWriter(host);
  const unpacking = layers.begin({ archivePath: writer.relativePath, compression: 'none' });
  try {
    const pack = () =>
      packInto(host, container, request, { fd: writer.fd, onBytes: (bytes) => unpacking.grown(bytes) });
    const stored = await frozen(host, container, request.pause, pack);
    unpacking.finished(stored.descriptor.size, stored.diffId);
    await unpacking.done;
    writer.publish(stored.descriptor.digest);
    return stored;
  } catch (error) {
    unpacking.aborted();
    throw withSpaceHint(error, writer.path);
  } finally {
    await layers.close();
    writer.discard();
  }
}

interface GrowingFile {
  readonly fd: number;
  onBytes(bytes: number): void;
}

async function packInto(
  host: Host,
  container: ContainerRecord,
  { squash }: CommitRequest,
  file: GrowingFile,
): Promise<StoredLayer> {
  const [read, write] = pipe();
  const { place, layers } = layerTreesWithOwners(host, container);
  const order = squash
    ? ({ op: 'flatten', layers } as const)
    : ({ op: 'layer', mountPoints: mountPointsOf(host, container.id), layers } as const);
  const stdio = [openSync('/dev/null', 'r+'), write] as const;
  const { done } = await startFilesWorker(host, place, order, stdio);
  const archive = createReadStream('', { fd: read, highWaterMark: 256 * 1024 });
  const [stored] = await Promise.all([writeInto(file, archive), done]);
  return stored;
}

/** How often the unpacker is told that the archive grew. */
const stepBytes = 256 * 1024;

/** As it is, like the layers of a build: a push compresses, and most commits are never pushed. */
async function writeInto({ fd, onBytes }: GrowingFile, archive: AsyncIterable<Buffer>): Promise<StoredLayer> {
  const hasher = hasherFor(emptySha256);
  let [size, told] = [0, 0];
  for await (const chunk of archive) {
    writeAll(fd, chunk);
    hasher.update(chunk);
    size += chunk.length;
    if (size - told >= stepBytes) {
      onBytes(size);
      told = size;
    }
    bytesPassed(chunk.length);
  }
  const diffId = hasher.digest();
  return { descriptor: { mediaType: mediaTypes.ociLayer, digest: diffId, size }, diffId };
}

/** The image's configuration as the container was made with it, and the changes on top. */
function configOf(
  host: Host,
  base: ImageRecord | undefined,
  container: ContainerRecord,
  { changes }: CommitRequest,
): ImageConfig {
  const image: ImageConfig = base
    ? readConfig(host, base)
    : { ...hostPlatform(), config: {}, rootfs: { type: 'layers', diff_ids: [] }, history: [] };
  const asMade = withRequest(image.config, container, storedRequest(container));
  return { ...image, config: changes.reduce<ContainerDefaults>(changeConfig, asMade) };
}

function withRequest(config: ContainerDefaults, { labels }: ContainerRecord, request: RunRequest): ContainerDefaults {
  const env = new Map([...(config.Env ?? []), ...request.env].map((pair) => [pair.slice(0, pair.indexOf('=')), pair]));
  const entrypoint = request.entrypoint ?? config.Entrypoint;
  const replaced = request.command.length > 0 || (request.entrypoint !== undefined && request.entrypoint.length > 0);
  const command = replaced ? request.command : config.Cmd;
  return {
    ...config,
    ...(env.size > 0 ? { Env: [...env.values()] } : {}),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(command === undefined ? {} : { Cmd: command }),
    ...(request.user === undefined ? {} : { User: request.user }),
    ...(request.workdir === undefined ? {} : { WorkingDir: request.workdir }),
    ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}),
  };
}

interface Committed {
  readonly base: ImageRecord | undefined;
  readonly container: ContainerRecord;
  readonly config: ImageConfig;
  readonly layer: StoredLayer;
}

function storeDocuments(host: Host, committed: Committed, request: CommitRequest): Descriptor {
  const { base, container, config, layer } = committed;
  const isDocker = request.format === 'docker';
  const created = request.createdAt.toISOString();
  const { message, author } = request;
  const step: HistoryEntry = {
    created,
    created_by: container.command.join(' '),
    ...(author ? { author } : {}),
    ...(message ? { comment: message } : {}),
  };
  const below = base && !request.squash ? layersOf(host, base) : [];
  const image = {
    ...config,
    created,
    ...(author ? { author } : {}),
    ...(message ? { comment: message } : {}),
    rootfs: { type: 'layers', diff_ids: [...(request.squash ? [] : config.rootfs.diff_ids), layer.diffId] },
    history: request.squash ? [step] : [...config.history, step],
  };
  const configType = isDocker ? mediaTypes.dockerConfig : mediaTypes.ociConfig;
  const mediaType = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const typed = (each: Descriptor) => convertLayer(each, isDocker ? 'v2s2' : 'oci');
  const manifest = { schemaVersion: 2, mediaType, config: storeDocument(host, configType, image) };
  return storeDocument(host, mediaType, { ...manifest, layers: [...below, layer.descriptor].map(typed) });
}

function layersOf(host: Host, { manifest }: ImageRecord): readonly Descriptor[] {
  const parsed = parseManifest(readBlob(host, manifest), manifest.mediaType);
  return isIndex(parsed) ? [] : parsed.layers;
}

function storeDocument(host: Host, mediaType: string, document: object): Descriptor {
  const content = Buffer.from(JSON.stringify(document));
  const digest = sha256Of(content);
  writeBlob(host, digest, content);
  return { mediaType, digest, size: content.length };
}
