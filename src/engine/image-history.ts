/** How an image came to be: its config's history beside the layers that the steps made (image-spec config.md). */
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { resolveImage } from '../storage/image-store.ts';
import { readLayer } from '../storage/layer-store.ts';
import { readConfig } from './images.ts';

export interface HistoryStep {
  /** The image, at its newest step; others have no ID. */
  readonly imageId: Digest | undefined;
  readonly createdAt: string | undefined;
  readonly createdBy: string;
  readonly comment: string;
  /** 0 for steps without a layer. */
  readonly sizeBytes: number;
}

/** Newest first. */
export function historyOf(host: Host, nameOrId: string): HistoryStep[] {
  const { image } = resolveImage(host, nameOrId);
  const diffIds = [...image.diffIds];
  const steps = readConfig(host, image).history.map((entry) => {
    const diffId = entry.empty_layer ? undefined : diffIds.shift();
    return {
      imageId: undefined,
      createdAt: entry.created,
      createdBy: entry.created_by ?? '',
      comment: entry.comment ?? '',
      sizeBytes: diffId === undefined ? 0 : unpackedBytes(host, diffId),
    };
  });
  return steps.reverse().map((step, index) => (index === 0 ? { ...step, imageId: image.id } : step));
}

function unpackedBytes(host: Host, diffId: Digest): number {
  return (readLayer(host, { diffId, kind: 'm' }) ?? readLayer(host, { diffId, kind: 's' }))?.sizeBytes ?? 0;
}
