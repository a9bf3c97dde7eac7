/** `ctr import`: an image of one layer, from the archive of a root file system. */
import { createReadStream, readSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { withSpaceHint, writeAll } from '../base/json-file.ts';
import { changeConfig } from '../oci/config-change.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, hasherFor, parseDigest, sha256Of } from '../oci/digest.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { type Compression, mediaTypes } from '../oci/media-types.ts';
import { hostPlatform, type Platform } from '../oci/platform.ts';
import { parseReference, withDefaultTag } from '../oci/reference.ts';
import { type BlobWriter, createBlobWriter, writeBlob } from '../storage/blob-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import { unpackingFor } from './unpacking.ts';

export interface ImportRequest {
  /** A path, an http(s) URL, or `-` for standard input. */
  readonly source: string;
  readonly name?: string | undefined;
  readonly changes: readonly string[];
  readonly message?: string | undefined;
  readonly platform?: Platform | undefined;
  readonly createdAt: Date;
}

/** Returns the new image's ID. */
export async function importImage(host: Host, request: ImportRequest, signal?: AbortSignal): Promise<Digest> {
  const config = request.changes.reduce<ContainerDefaults>(changeConfig, {});
  const reference = request.name === undefined ? undefined : withDefaultTag(parseReference(request.name, 'localhost'));
  const { recordStored } = await import('../image/store-destination.ts');
  using _lock = await lockWhenFree(storeLockOf(host), 'shared', signal ? { signal } : {});
  const layer = await storeLayer(host, request.source, signal);
  const manifest = storeDocuments(host, request, { layer, config });
  const unpacking = await unpackingFor(host);
  const image = await recordStored(manifest, reference ? [reference] : [], { host, ...unpacking, signal });
  return image.id;
}

interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

const emptySha256 = parseDigest(`sha256:${'0'.repeat(64)}`);
const layerTypes: Readonly<Record<Compression, string>> = {
  none: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
};

/** The archive is kept as it came: a compressed one stays compressed. */
async function storeLayer(host: Host, source: string, signal: AbortSignal | undefined): Promise<StoredLayer> {
  const { compressionOf, decompress } = await import('../image/layer/decompress.ts');
  const writer = createBlobWriter(host);
  try {
    const { digest, size } = await writeFrom(await openArchive(host, source, signal), writer);
    const head = Buffer.alloc(Math.min(6, size));
    readSync(writer.fd, head, 0, head.length, 0);
    const mediaType = layerTypes[compressionOf(head)];
    const hasher = hasherFor(emptySha256);
    for await (const chunk of decompress(createReadStream(writer.path))) hasher.update(chunk);
    writer.publish(digest);
    return { descriptor: { mediaType, digest, size }, diffId: hasher.digest() };
  } finally {
    writer.discard();
  }
}

async function writeFrom(archive: AsyncIterable<Uint8Array>, writer: BlobWriter) {
  const hasher = hasherFor(emptySha256);
  let size = 0;
  try {
    for await (const chunk of archive) {
      writeAll(writer.fd, chunk);
      hasher.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    throw withSpaceHint(error, writer.path);
  }
  if (size === 0) throw new CtrError('INVALID', 'the archive is empty');
  return { digest: hasher.digest(), size };
}

async function openArchive(
  host: Host,
  source: string,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') return createReadStream('', { fd: 0 });
  if (!/^https?:\/\//.test(source)) return createReadStream(source);
  const { createHttpClient } = await import('../image/transport/http-client.ts');
  const client = createHttpClient({ host, isInsecure: () => false });
  const response = await client.send({ method: 'GET', url: new URL(source), signal });
  if (response.status !== 200) throw new CtrError('NETWORK', `${source}: the server answered ${response.status}`);
  return closingAfter(response.chunks(), () => client.close());
}

async function* closingAfter(chunks: AsyncIterable<Uint8Array>, close: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } finally {
    close();
  }
}

function storeDocuments(
  host: Host,
  { message, platform = hostPlatform(), source, createdAt }: ImportRequest,
  { layer, config }: { readonly layer: StoredLayer; readonly config: ContainerDefaults },
): Descriptor {
  const created = createdAt.toISOString();
  const from = source === '-' ? 'standard input' : source;
  const history = [{ created, created_by: `import from ${from}`, ...(message ? { comment: message } : {}) }];
  const rootfs = { type: 'layers', diff_ids: [layer.diffId] };
  const image = { created, ...platform, config, rootfs, history, ...(message ? { comment: message } : {}) };
  const configDescriptor = storeDocument(host, mediaTypes.ociConfig, image);
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configDescriptor };
  return storeDocument(host, mediaTypes.ociManifest, { ...manifest, layers: [layer.descriptor] });
}

function storeDocument(host: Host, mediaType: string, document: object): Descriptor {
  const content = Buffer.from(JSON.stringify(document));
  const digest = sha256Of(content);
  writeBlob(host, digest, content);
  return { mediaType, digest, size: content.length };
}
