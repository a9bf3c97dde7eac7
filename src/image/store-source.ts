/** Read an image out of the store: what push and save copy from. Its blobs were kept as they were pulled. */
import { createReadStream } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { blobPath, hasBlob, readBlob } from '../storage/blob-store.ts';
import type { ImageSource } from './content.ts';

/** The image (or the index) that `manifest` describes. The caller keeps it from being collected. */
export function storeSource(host: Host, name: string, manifest: Descriptor): ImageSource {
  return {
    name,
    target: async () => ({ descriptor: manifest, content: readBlob(host, manifest) }),
    document: async (descriptor) => readBlob(host, descriptor),
    async open({ digest, size }) {
      if (!hasBlob(host, digest, size)) {
        throw new CtrError('NOT_FOUND', `${name}: blob ${digest} is not stored`, {
          hint: 'pull the image again: what is there is kept',
        });
      }
      const path = blobPath(host, digest);
      return {
        read: (offset, length) => createReadStream(path, { start: offset, end: offset + length - 1 }),
        close: () => undefined,
      };
    },
    close: () => undefined,
  };
}
