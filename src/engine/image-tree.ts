/** `ctr image tree`: an image's layers with their sizes, and which images end there. */
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { listEveryTag, resolveImage } from '../storage/image-store.ts';
import { readLayer } from '../storage/layer-store.ts';
import { type ImageSummary, listStoredImages } from './images.ts';

export interface TreeLayer {
  readonly diffId: Digest;
  /** Undefined: not unpacked. */
  readonly sizeBytes: number | undefined;
  /** Names of the images whose uppermost layer this is. */
  readonly names: readonly string[];
}

export interface ImageTree {
  readonly id: Digest;
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Lowest first. */
  readonly layers: readonly TreeLayer[];
}

export function imageTree(host: Host, nameOrId: string): ImageTree {
  const { image } = resolveImage(host, nameOrId);
  const all = listStoredImages(host);
  const names = listEveryTag(host).flatMap(({ id, name }) => (id === image.id ? [name] : []));
  const layers = image.diffIds.map((diffId, at) => ({
    diffId,
    sizeBytes: sizeOf(host, diffId),
    names: all.filter((other) => endsWith(other, image.diffIds.slice(0, at + 1))).flatMap((other) => other.names),
  }));
  return { id: image.id, names, layers, sizeBytes: layers.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0) };
}

function endsWith({ image: { diffIds } }: ImageSummary, chain: readonly Digest[]): boolean {
  return diffIds.length === chain.length && diffIds.every((diffId, at) => diffId === chain[at]);
}

function sizeOf(host: Host, diffId: Digest): number | undefined {
  return (readLayer(host, { diffId, kind: 'm' }) ?? readLayer(host, { diffId, kind: 's' }))?.sizeBytes;
}
