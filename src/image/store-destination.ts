/** Bring an image into the store from somewhere that is no registry: blobs first, then layers, then record and names. */
import { statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { withSpaceHint, writeAll } from '../base/json-file.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Reference } from '../oci/reference.ts';
import { createBlobWriter, hasBlob, linkBlob, writeBlob } from '../storage/blob-store.ts';
import { type ImageRecord, readImage, recordImage, tagImage } from '../storage/image-store.ts';
import type { ImageDestination, OpenBlob } from './content.ts';
import type { FetchLayersDeps } from './fetch-layers.ts';
import { ensureUnpacked } from './pull.ts';
import { describeStored } from './stored-image.ts';
import { verified } from './verified-stream.ts';

/** Takes blobs and manifests; nothing refers to them before `recordStored`. The caller holds the store's lock shared. */
export function storeDestination(host: Host): ImageDestination {
  return {
    name: 'the store',
    layers: 'as-is',
    hasBlob: async ({ digest, size }) => hasBlob(host, digest, size),
    async putBlob(descriptor, blob, onBytes) {
      if (blob.spooledAt !== undefined && (await linkSpooled(host, descriptor, blob, onBytes))) return 'copied';
      const writer = createBlobWriter(host);
      try {
        let bytes = 0;
        for await (const chunk of verified(blob.read(0, descriptor.size), descriptor)) {
          writeAll(writer.fd, chunk);
          bytes += chunk.length;
          onBytes(bytes);
        }
        writer.publish(descriptor.digest);
      } catch (error) {
        throw withSpaceHint(error, writer.path);
      } finally {
        writer.discard();
      }
      return 'copied';
    },
    async putManifest({ descriptor, content }) {
      if (!hasBlob(host, descriptor.digest, descriptor.size)) writeBlob(host, descriptor.digest, content);
    },
    finish: async () => undefined,
    close: () => undefined,
  };
}

/** The spooled file becomes the blob once it has been read and found right. */
async function linkSpooled(
  host: Host,
  descriptor: Descriptor,
  blob: OpenBlob,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const { spooledAt } = blob;
  if (spooledAt === undefined || statSync(spooledAt).size !== descriptor.size) return false;
  let bytes = 0;
  for await (const chunk of verified(blob.read(0, descriptor.size), descriptor)) {
    bytes += chunk.length;
    onBytes(bytes);
  }
  return linkBlob(host, spooledAt, descriptor.digest);
}

/** Unpack the stored image, then record it and give it its names. The caller holds the store's lock shared. */
export async function recordStored(
  manifest: Descriptor,
  references: readonly Reference[],
  deps: FetchLayersDeps,
): Promise<ImageRecord> {
  const { host } = deps;
  const described = describeStored(host, manifest);
  if (!(await ensureUnpacked(described, deps))) {
    throw new CtrError('INTERNAL', `image ${described.id}: a blob is missing`);
  }
  recordImage(host, described);
  for (const reference of references) tagImage(host, reference, { id: described.id, manifest });
  return readImage(host, described.id) ?? described;
}
