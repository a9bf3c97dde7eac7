/**
 * index.json of the OCI image layout (image-layout.md): a cache of tags/, so that other tools can read the store
 * (`skopeo inspect oci:DATA_ROOT:NAME`). ctr itself never reads it.
 */
import type { Host } from '../base/host.ts';
import { writeJsonFile } from '../base/json-file.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { layout } from './layout.ts';
import { lockNow, lockOf } from './lock.ts';

export interface IndexEntry {
  readonly name: string;
  readonly manifest: Descriptor;
}

/** Write the index anew. `readEntries` is called under the lock, so that the last writer has seen every tag. */
export function writeIndex(host: Host, readEntries: () => readonly IndexEntry[]): void {
  using _lock = lockNow(lockOf(host, 'index', 'oci'));
  const manifests = readEntries().map(({ name, manifest }) => ({
    ...manifest,
    annotations: { ...manifest.annotations, 'org.opencontainers.image.ref.name': name },
  }));
  writeJsonFile(layout.index(host), { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
}
