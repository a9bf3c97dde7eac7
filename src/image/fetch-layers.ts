/**
 * Bring an image's layers into the store: each archive as a blob, each layer unpacked. Download, decompression and
 * unpacking of a layer overlap, and several layers are under way at once; they are independent until mounted.
 */
import { fsync } from 'node:fs';
import { promisify } from 'node:util';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { type BlobWriter, blobBelowRoot, createBlobWriter, hasBlob } from '../storage/blob-store.ts';
import { hasLayer } from '../storage/layer-store.ts';
import type { OwnerKind } from '../storage/layout.ts';
import { type BlobSource, downloadToFile } from './download-blob.ts';
import type { LayerArchive, LayerInProgress, LayerUnpacker } from './layer-unpacker.ts';
import type { RemoteLayer } from './remote-image.ts';

export interface LayerProgress {
  readonly state: 'waiting' | 'downloading' | 'unpacking' | 'exists' | 'done';
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Told often: whoever draws decides how often to draw. */
export interface PullProgress {
  layer(digest: Digest, progress: LayerProgress): void;
}

export interface FetchLayersDeps {
  readonly host: Host;
  readonly ownerKind: OwnerKind;
  /** Called once, and only if a layer has to be unpacked. */
  readonly unpacker: () => Promise<LayerUnpacker>;
  readonly progress?: PullProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where blobs come from; undefined: they must be in the store (repairing an image without a network). */
export type LayerSource = Omit<BlobSource, 'signal'> | undefined;

/** While two are unpacked, the network is not idle; more only take memory. */
const layersAtOnce = 3;
/** How often the unpacker is told that an archive grew. */
const stepBytes = 256 * 1024;

const fsyncLater = promisify(fsync);

/** Idempotent; returning means that every layer is stored and unpacked. After a failure, nothing half-made stays. */
export async function fetchLayers(
  layers: readonly RemoteLayer[],
  source: LayerSource,
  deps: FetchLayersDeps,
): Promise<void> {
  const queue = uniqueLayers(layers).sort((a, b) => b.descriptor.size - a.descriptor.size);
  const stop = new AbortController();
  const signal = deps.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, deps.signal]);
  let started: Promise<LayerUnpacker> | undefined;
  const unpacker = () => {
    started ??= deps.unpacker();
    return started;
  };
  for (const { descriptor } of queue) report(deps, descriptor, 'waiting', 0);
  const worker = async () => {
    for (let layer = queue.shift(); layer !== undefined; layer = queue.shift()) {
      signal.throwIfAborted();
      await fetchLayer(layer, source && { ...source, signal }, { ...deps, signal, unpacker });
    }
  };
  const stopping = (error: unknown) => {
    stop.abort(error);
    throw error;
  };
  try {
    const results = await Promise.allSettled(Array.from({ length: layersAtOnce }, () => worker().catch(stopping)));
    if (results.some(({ status }) => status === 'rejected')) throw signal.reason;
  } finally {
    await (await started?.catch(() => undefined))?.close();
  }
}

/** The same archive may be in an image several times (an empty layer, mostly). */
function uniqueLayers(layers: readonly RemoteLayer[]): RemoteLayer[] {
  const unique = new Map<Digest, RemoteLayer>();
  for (const layer of layers) {
    const { digest, size } = layer.descriptor;
    const same = unique.get(digest);
    if (same !== undefined && (same.diffId !== layer.diffId || same.descriptor.size !== size)) {
      throw new CtrError('INVALID', `the image gives layer ${digest} two diff_ids or sizes`);
    }
    unique.set(digest, layer);
  }
  return [...unique.values()];
}

async function fetchLayer(layer: RemoteLayer, source: BlobSource | undefined, deps: FetchLayersDeps): Promise<void> {
  const { host, ownerKind: kind } = deps;
  const { descriptor, diffId } = layer;
  const isUnpacked = hasLayer(host, { diffId, kind });
  if (hasBlob(host, descriptor.digest, descriptor.size)) {
    if (!isUnpacked) await unpackStored(layer, deps);
    report(deps, descriptor, isUnpacked ? 'exists' : 'done', descriptor.size);
    return;
  }
  if (source === undefined) {
    throw new CtrError('NOT_FOUND', `layer ${descriptor.digest} is not stored`, { hint: 'pull the image again' });
  }
  const writer = createBlobWriter(host);
  try {
    const archive = { archivePath: writer.relativePath, compression: layer.compression, diffId };
    const unpacking = isUnpacked ? undefined : beginWhenReady(deps.unpacker(), archive);
    await downloadAndUnpack(descriptor, source, writer, unpacking, deps);
    writer.publish(descriptor.digest);
  } finally {
    writer.discard();
  }
  report(deps, descriptor, 'done', descriptor.size);
}

async function unpackStored({ descriptor, compression, diffId }: RemoteLayer, deps: FetchLayersDeps): Promise<void> {
  report(deps, descriptor, 'unpacking', descriptor.size);
  using archive = blobBelowRoot(deps.host, descriptor.digest);
  const unpacking = (await deps.unpacker()).begin({ archivePath: archive.relativePath, compression, diffId });
  unpacking.finished(descriptor.size);
  await doneOrAborted(unpacking, deps.signal);
}

async function downloadAndUnpack(
  descriptor: Descriptor,
  source: BlobSource,
  writer: BlobWriter,
  unpacking: LayerInProgress | undefined,
  deps: FetchLayersDeps,
): Promise<void> {
  const onGrown = (bytes: number) => {
    unpacking?.grown(bytes);
    report(deps, descriptor, 'downloading', bytes);
  };
  try {
    report(deps, descriptor, 'downloading', 0);
    await downloadUnlessUnpackingFails(descriptor, source, writer, unpacking, onGrown);
  } catch (error) {
    unpacking?.aborted();
    throw error;
  }
  unpacking?.finished(descriptor.size);
  report(deps, descriptor, 'unpacking', descriptor.size);
  // On the thread pool, so that other layers go on; publish finds nothing left to write.
  const onDisk = fsyncLater(writer.fd);
  try {
    if (unpacking !== undefined) await doneOrAborted(unpacking, deps.signal);
  } finally {
    await onDisk;
  }
}

/** An archive that cannot be unpacked ends the download, too. Nobody writes to the file any more when this returns. */
async function downloadUnlessUnpackingFails(
  descriptor: Descriptor,
  source: BlobSource,
  writer: BlobWriter,
  unpacking: LayerInProgress | undefined,
  onGrown: (bytes: number) => void,
): Promise<void> {
  const stop = new AbortController();
  const signal = source.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, source.signal]);
  let told = 0;
  const downloaded = downloadToFile({ ...source, signal }, descriptor, writer.fd, (received) => {
    if (received - told < stepBytes) return;
    told = received;
    onGrown(received);
  });
  try {
    await (unpacking === undefined ? downloaded : Promise.race([downloaded, failureOf(unpacking)]));
  } catch (error) {
    stop.abort(error);
    await downloaded.catch(() => undefined);
    throw error;
  }
}

/** Never resolves; rejects when unpacking fails. */
function failureOf({ done }: LayerInProgress): Promise<never> {
  return new Promise((_, reject) => void done.catch(reject));
}

async function doneOrAborted(unpacking: LayerInProgress, signal: AbortSignal | undefined): Promise<void> {
  const abort = () => unpacking.aborted();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    await unpacking.done;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Lets a download begin while the unpacker is still starting: what is said to it meanwhile is passed on later. */
function beginWhenReady(unpacker: Promise<LayerUnpacker>, archive: LayerArchive): LayerInProgress {
  let begun: LayerInProgress | undefined;
  let waiting: ((layer: LayerInProgress) => void) | undefined;
  const say = (message: (layer: LayerInProgress) => void) => {
    if (begun === undefined) waiting = message;
    else message(begun);
  };
  const done = unpacker.then((ready) => {
    begun = ready.begin(archive);
    waiting?.(begun);
    return begun.done;
  });
  done.catch(() => undefined);
  return {
    grown: (bytes) => say((layer) => layer.grown(bytes)),
    finished: (bytes, diffId) => say((layer) => layer.finished(bytes, diffId)),
    aborted: () => say((layer) => layer.aborted()),
    done,
  };
}

function report(deps: FetchLayersDeps, descriptor: Descriptor, state: LayerProgress['state'], bytes: number): void {
  deps.progress?.layer(descriptor.digest, { state, bytes, totalBytes: descriptor.size });
}
