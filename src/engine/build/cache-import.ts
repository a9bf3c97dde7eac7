/**
 * `--cache-from`: steps that somebody else has run. A cache is asked for the first time when a step is not in the store,
 * and only layers of steps that are found are fetched, each verified: the archive by the manifest's digest, its content
 * by the diff_id that the key leads to. What fails is a warning and a step that is run.
 */
import { relative } from 'node:path';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import type { ImageSource } from '../../image/content.ts';
import type { LayerUnpacker } from '../../image/layer-unpacker.ts';
import type { ImageLocation } from '../../image/transport/image-location.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { type ImageManifest, isIndex, parseManifest } from '../../oci/manifest.ts';
import { blobPath } from '../../storage/blob-store.ts';
import type { BuildStep } from '../../storage/build-step-store.ts';
import { readLayer } from '../../storage/layer-store.ts';
import { unpackingFor } from '../unpacking.ts';
import type { BuildRequest, CacheSource } from './build-request.ts';
import { readCacheDocument } from './cache-document.ts';

export type ImportedStep = Pick<BuildStep, 'diffId' | 'archiveBytes' | 'sizeBytes'>;

interface OpenCache {
  readonly name: string;
  readonly source: ImageSource;
  readonly steps: ReadonlyMap<string, KnownStep>;
}

interface KnownStep {
  readonly diffId?: Digest;
  readonly layer?: Descriptor;
}

interface ImportDeps {
  readonly signal: AbortSignal;
  warn(message: string): void;
}

export class CacheImport {
  readonly #host: Host;
  readonly #request: BuildRequest;
  readonly #deps: ImportDeps;
  #caches: Promise<readonly OpenCache[]> | undefined;
  #unpacker: Promise<LayerUnpacker> | undefined;

  constructor(host: Host, request: BuildRequest, deps: ImportDeps) {
    this.#host = host;
    this.#request = request;
    this.#deps = deps;
  }

  /** The step, its layer in the store; undefined when no cache has it. */
  async find(key: string): Promise<ImportedStep | undefined> {
    if (this.#request.cacheFrom.length === 0) return undefined;
    this.#caches ??= this.#openAll();
    for (const cache of await this.#caches) {
      const step = cache.steps.get(key);
      if (!step) continue;
      const taken = await this.#orWarn(cache.name, () => this.#take(cache, step));
      if (taken) return taken;
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const { source } of (await this.#caches?.catch(() => undefined)) ?? []) source.close();
    await (await this.#unpacker?.catch(() => undefined))?.close();
  }

  async #openAll(): Promise<readonly OpenCache[]> {
    const opened = this.#request.cacheFrom.map((from) => this.#orWarn(nameOf(from), () => this.#open(from)));
    return (await Promise.all(opened)).filter((cache) => cache !== undefined);
  }

  async #open(from: CacheSource): Promise<OpenCache> {
    const { openSource } = await import('../../image/open-image.ts');
    const source = await openSource(locationOf(from), {
      ...{ host: this.#host, options: this.#request, signal: this.#deps.signal },
    });
    try {
      const steps = await stepsIn(source);
      if (steps.size === 0) throw new CtrError('NOT_FOUND', 'it holds no build cache of ctr');
      return { name: nameOf(from), source, steps };
    } catch (error) {
      source.close();
      throw error;
    }
  }

  async #take({ source }: OpenCache, { diffId, layer }: KnownStep): Promise<ImportedStep> {
    if (diffId === undefined) return { archiveBytes: 0, sizeBytes: 0 };
    const { ownerKind: kind, unpacker } = await unpackingFor(this.#host);
    const known = readLayer(this.#host, { diffId, kind });
    // 0: not known; who needs the archive makes it.
    if (known) return { diffId, archiveBytes: 0, sizeBytes: known.sizeBytes };
    if (layer === undefined) throw new CtrError('INVALID', `the layer ${diffId} is not in it`);
    const archiveBytes = await this.#fetch(source, layer, diffId);
    this.#unpacker ??= unpacker();
    const archivePath = relative(this.#host.dataRoot, blobPath(this.#host, diffId));
    const unpacking = (await this.#unpacker).begin({ archivePath, compression: 'none', diffId });
    unpacking.finished(archiveBytes);
    await unpacking.done;
    return { diffId, archiveBytes, sizeBytes: readLayer(this.#host, { diffId, kind })?.sizeBytes ?? 0 };
  }

  /** The plain archive into the store: what a build keeps of its own layers, too. Returns its size. */
  async #fetch(source: ImageSource, layer: Descriptor, diffId: Digest): Promise<number> {
    const { recompress } = await import('../../image/recompress.ts');
    const { storeDestination } = await import('../../image/store-destination.ts');
    const blob = await source.open(layer);
    try {
      const plain = await recompress(this.#host, { layer, blob, to: 'none' });
      try {
        if (plain.digest !== diffId) throw new CtrError('VERIFY', `${layer.digest} is not the layer ${diffId}`);
        await storeDestination(this.#host).putBlob({ ...layer, ...plain }, plain, () => undefined);
        return plain.size;
      } finally {
        plain.close();
      }
    } finally {
      blob.close();
    }
  }

  async #orWarn<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#deps.signal.aborted) throw error;
      this.#deps.warn(`--cache-from ${name} is not used: ${reasonOf(error)}`);
      return undefined;
    }
  }
}

/** Of a failure that is the cache's or the system's; a mistake of ours is thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof CtrError || (error instanceof Error && errnoOf(error) !== undefined)) return error.message;
  throw error;
}

export const nameOf = (cache: CacheSource): string => (cache.type === 'registry' ? cache.ref : cache.path);

export function locationOf(cache: CacheSource): ImageLocation {
  return cache.type === 'registry'
    ? { transport: 'docker', name: cache.ref }
    : { transport: 'oci', path: cache.path, name: cache.name };
}

/** Of the artifact, of an image, or of all images of an index. */
async function stepsIn(source: ImageSource): Promise<Map<string, KnownStep>> {
  const { content, descriptor } = await source.target();
  const target = parseManifest(content, descriptor.mediaType);
  const known = new Map<string, KnownStep>();
  for (const manifest of isIndex(target) ? await membersOf(source, target.manifests) : [target]) {
    const document = readCacheDocument(manifest, await source.document(manifest.config));
    const layers = new Map(document?.diffIds.map((diffId, at) => [diffId, manifest.layers[at]]));
    for (const { key, diffId } of document?.steps ?? []) {
      const layer = diffId && layers.get(diffId);
      known.set(key, { ...(diffId ? { diffId } : {}), ...(layer ? { layer } : {}) });
    }
  }
  return known;
}

async function membersOf(source: ImageSource, members: readonly Descriptor[]): Promise<ImageManifest[]> {
  const manifests: ImageManifest[] = [];
  for (const member of members.filter(({ platform }) => platform?.os !== 'unknown')) {
    const parsed = parseManifest(await source.document(member), member.mediaType);
    if (!isIndex(parsed)) manifests.push(parsed);
  }
  return manifests;
}
