/** `ctr system df`: which part of the store's disk usage belongs to what, and what could go. The parts add up to du. */
import type { Host } from '../base/host.ts';
import { layerDir, listLayers } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { membersOfImage } from '../storage/references.ts';
import { listVolumes, type VolumeRecord } from '../storage/volume-store.ts';
import { type ContainerEntry, listContainerEntries } from './container-list.ts';
import { isRunning } from './container-status.ts';
import { diskUsage, fileUsage } from './disk-usage.ts';
import { type ImageSummary, listStoredImages } from './images.ts';
import { volumeUsers } from './volume-use.ts';

export interface UsageClass {
  readonly total: number;
  /** Of these, in use. */
  readonly active: number;
  readonly bytes: number;
  /** What goes when everything goes that is not in use. */
  readonly reclaimableBytes: number;
}

export interface ImageUsage {
  readonly summary: ImageSummary;
  readonly bytes: number;
  /** Of `bytes`, what another image uses too. */
  readonly sharedBytes: number;
  readonly containers: number;
}

export interface ContainerUsage {
  readonly entry: ContainerEntry;
  readonly bytes: number;
  readonly volumes: number;
}

export interface VolumeUsage {
  readonly volume: VolumeRecord;
  readonly bytes: number;
  readonly users: number;
}

export interface StoreUsage {
  /** As `du` of the data root. */
  readonly totalBytes: number;
  readonly images: UsageClass;
  readonly containers: UsageClass;
  readonly volumes: UsageClass;
  /** What nothing refers to (half-made things, layers of removed images), and the store's own records. */
  readonly other: UsageClass;
  readonly perImage: readonly ImageUsage[];
  readonly perContainer: readonly ContainerUsage[];
  readonly perVolume: readonly VolumeUsage[];
}

export async function storeUsage(host: Host): Promise<StoreUsage> {
  const usage = await diskUsage(host, host.dataRoot, 2);
  const at = (path: string) => usage.get(path) ?? 0;
  const { entries } = listContainerEntries(host, { all: true });
  const perImage = imageUsages(host, at, entries);
  const perContainer = containerUsages(host, at, entries);
  const perVolume = volumeUsages(host, at);
  const images = imageClass(host, at, perImage.pieces, perImage.usages);
  const containers = {
    ...classOf(perContainer, ({ entry }) => isRunning(entry.status)),
    bytes: at(layout.containers(host)),
  };
  const volumes = { ...classOf(perVolume, ({ users }) => users > 0), bytes: at(layout.volumes(host)) };
  const totalBytes = at(host.dataRoot);
  const otherBytes = Math.max(0, totalBytes - images.bytes - containers.bytes - volumes.bytes);
  const garbage = garbageBytes(host, at, perImage.pieces);
  const other = { total: 0, active: 0, bytes: otherBytes, reclaimableBytes: Math.min(garbage, otherBytes) };
  return {
    ...{ totalBytes, images, containers, volumes, other },
    ...{ perImage: perImage.usages, perContainer, perVolume },
  };
}

type UsageAt = (path: string) => number;

function classOf<T extends { readonly bytes: number }>(usages: readonly T[], isActive: (usage: T) => boolean) {
  const idle = usages.filter((usage) => !isActive(usage));
  const reclaimableBytes = idle.reduce((sum, { bytes }) => sum + bytes, 0);
  return { total: usages.length, active: usages.length - idle.length, reclaimableBytes };
}

/** A layer directory or a blob, and the images that need it. */
interface Piece {
  readonly bytes: number;
  readonly users: Set<string>;
}

function imageUsages(host: Host, at: UsageAt, entries: readonly ContainerEntry[]) {
  const pieces = new Map<string, Piece>();
  const layerPaths = Map.groupBy(listLayers(host), ({ diffId }) => diffId);
  const summaries = listStoredImages(host, { isReadOnly: false });
  for (const { image } of summaries) {
    const add = (path: string, bytes: number) => {
      const piece = pieces.get(path) ?? { bytes, users: new Set() };
      pieces.set(path, piece);
      piece.users.add(image.id);
    };
    for (const { digest } of membersOfImage(host, image))
      add(layout.blob(host, digest), fileUsage(layout.blob(host, digest)));
    for (const diffId of image.diffIds) {
      for (const key of layerPaths.get(diffId) ?? []) {
        const path = layerDir(host, key).replace(/\/diff$/, '');
        add(path, at(path));
      }
    }
  }
  const usages = summaries.map((summary): ImageUsage => {
    const own = [...pieces.values()].filter(({ users }) => users.has(summary.image.id));
    return {
      summary,
      bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
      sharedBytes: own.reduce((sum, { bytes, users }) => sum + (users.size > 1 ? bytes : 0), 0),
      containers: entries.filter(({ container }) => container.imageId === summary.image.id).length,
    };
  });
  return { pieces, usages };
}

function imageClass(
  host: Host,
  at: UsageAt,
  pieces: ReadonlyMap<string, Piece>,
  usages: readonly ImageUsage[],
): UsageClass {
  const active = new Set(
    usages.filter(({ containers }) => containers > 0).map(({ summary }) => String(summary.image.id)),
  );
  const all = [...pieces.values()];
  const idle = all.filter(({ users }) => ![...users].some((id) => active.has(id)));
  const sum = (some: readonly Piece[]) => some.reduce((total, { bytes }) => total + bytes, 0);
  const records = at(layout.images(host)) + at(layout.tags(host));
  return { total: usages.length, active: active.size, bytes: sum(all) + records, reclaimableBytes: sum(idle) };
}

function containerUsages(host: Host, at: UsageAt, entries: readonly ContainerEntry[]): ContainerUsage[] {
  return entries.map((entry) => ({
    entry,
    bytes: at(layout.container(host, entry.container.id)),
    volumes: entry.request.mounts.filter(({ type }) => type === 'volume').length,
  }));
}

function volumeUsages(host: Host, at: UsageAt): VolumeUsage[] {
  const users = volumeUsers(host);
  return listVolumes(host).map((volume) => ({
    volume,
    bytes: at(layout.volume(host, volume.name)),
    users: users.get(volume.name)?.length ?? 0,
  }));
}

/** Layers that no image needs (a container may), and what waits in tmp/. */
function garbageBytes(host: Host, at: UsageAt, pieces: ReadonlyMap<string, Piece>): number {
  const layers = listLayers(host).map((key) => layerDir(host, key).replace(/\/diff$/, ''));
  const unused = layers.filter((path) => !pieces.has(path)).map(at);
  return unused.reduce((sum, bytes) => sum + bytes, at(layout.tmp(host)));
}
