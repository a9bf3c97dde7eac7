/** An image in a registry as a source and as a destination of copies (distribution-spec "Pull", "Push"). */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Host } from '../../base/host.ts';
import { bytesPassed } from '../../base/passing-bytes.ts';
import type { Digest } from '../../oci/digest.ts';
import { maxConfigBytes } from '../../oci/image-config.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { manifestMediaTypes } from '../../oci/media-types.ts';
import { canonicalName, type Reference, withDefaultTag } from '../../oci/reference.ts';
import { createBlobWriter } from '../../storage/blob-store.ts';
import type { ImageDestination, ImageSource } from '../content.ts';
import { downloadToFile, downloadWhole } from '../download-blob.ts';
import type { Document } from '../remote-image.ts';
import type { RegistryAccess, RegistryConnection } from './registry-access.ts';
import { uploadBlob } from './upload.ts';

export interface RegistryImageRequest {
  readonly reference: Reference;
  readonly access: RegistryAccess;
  readonly connection: RegistryConnection;
  readonly signal?: AbortSignal | undefined;
}

/** Blobs are downloaded into staging files, verified, and gone after use. */
export function registrySource(host: Host, request: RegistryImageRequest): ImageSource {
  const { connection, signal } = request;
  const { registry, endpoint } = connection;
  const manifest = async (wanted: string): Promise<Document> => {
    const { content, digest, contentType } = await registry.getManifest(endpoint.repository, wanted, signal);
    const { mediaType } = parseManifest(content, contentType);
    return { descriptor: { mediaType, digest, size: content.length }, content };
  };
  return {
    name: canonicalName(request.reference),
    target: () => manifest(manifestReference(request.reference)),
    async document(descriptor) {
      if (manifestMediaTypes.includes(descriptor.mediaType)) return (await manifest(descriptor.digest)).content;
      return downloadWhole(request, descriptor, maxConfigBytes);
    },
    async open(descriptor) {
      const writer = createBlobWriter(host);
      try {
        await downloadToFile(request, descriptor, writer.fd, () => undefined);
      } catch (error) {
        writer.discard();
        throw error;
      }
      return {
        read: (offset, length) => createReadStream(writer.path, { start: offset, end: offset + length - 1 }),
        close: () => writer.discard(),
      };
    },
    close: () => request.access.close(),
  };
}

export interface RegistryTarget extends RegistryImageRequest {
  /** The other repository of the same registry that is believed to hold a blob. */
  readonly mountFrom?: (digest: Digest) => string | undefined;
}

export function registryDestination(target: RegistryTarget): ImageDestination {
  const { connection, access } = target;
  const { registry, endpoint, session } = connection;
  return {
    name: canonicalName(target.reference),
    layers: 'compressed',
    // uploadBlob asks by itself.
    hasBlob: async () => false,
    async putBlob({ digest, size }, blob, onBytes) {
      const outcome = await uploadBlob(session, {
        repository: endpoint.repository,
        digest,
        size,
        read: (offset, length) => counted(blob.read(offset, length), offset, onBytes),
        mountFrom: target.mountFrom?.(digest),
        retry: access.retry,
        retryDeps: { ...access.retryDeps, signal: target.signal },
      });
      return outcome === 'uploaded' ? 'copied' : 'exists';
    },
    async putManifest({ descriptor, content }, isTarget) {
      const name = isTarget ? manifestReference(target.reference) : descriptor.digest;
      await registry.putManifest(endpoint.repository, name, content, descriptor.mediaType);
    },
    finish: async () => undefined,
    close: () => access.close(),
  };
}

/** What stands behind /manifests/ for a reference. */
export function manifestReference(reference: Reference): string {
  const { digest, tag } = withDefaultTag(reference);
  return digest ?? tag ?? 'latest';
}

function counted(source: Readable, offset: number, onBytes: (bytes: number) => void): Readable {
  async function* count() {
    let at = offset;
    for await (const chunk of source) {
      at += chunk.length;
      onBytes(at);
      yield chunk;
      bytesPassed(chunk.length);
    }
  }
  return Readable.from(count(), { objectMode: false });
}
