/** `ctr system prune`: delete what is not in use, containers first, since they keep images and volumes. */
import type { Host } from '../base/host.ts';
import { collectGarbage } from '../storage/gc.ts';
import { defaultNetworkName, listNetworks } from '../storage/network-store.ts';
import { listVolumes } from '../storage/volume-store.ts';
import { containerFilter } from './container-filters.ts';
import { listContainerEntries } from './container-list.ts';
import { isRunning } from './container-status.ts';
import { diskUsage } from './disk-usage.ts';
import { pruneImages } from './image-remove.ts';
import { removeExisting } from './remove-existing.ts';
import { removeTreeInside } from './user-namespace.ts';
import { volumeUsers } from './volume-use.ts';

export interface SystemPruneRequest {
  /** Every image without a container, not only those without a name. */
  readonly allImages: boolean;
  readonly volumes: boolean;
  /** Only what was made before this moment, in milliseconds. */
  readonly untilMs?: number | undefined;
  readonly labels: readonly string[];
  readonly withoutLabels: readonly string[];
  /** Only tell what would go. */
  readonly dryRun: boolean;
}

export interface SystemPruned {
  readonly containers: readonly string[];
  readonly images: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  /** By du, before and after; 0 for a dry run. */
  readonly freedBytes: number;
}

export async function pruneSystem(host: Host, request: SystemPruneRequest): Promise<SystemPruned> {
  const usage = async () => (request.dryRun ? 0 : ((await diskUsage(host, host.dataRoot, 0)).get(host.dataRoot) ?? 0));
  const before = await usage();
  const containers = await pruneContainers(host, request);
  const gone = new Set(containers);
  const volumes = request.volumes ? await pruneUnusedVolumes(host, request, gone) : [];
  const networks = await pruneUnusedNetworks(host, request, gone);
  const removeTree = (path: string) => removeTreeInside(host, path);
  const { untilMs, labels, withoutLabels, dryRun } = request;
  const images = await pruneImages(host, {
    all: request.allImages,
    filter: { labels, withoutLabels, ...(untilMs === undefined ? {} : { untilMs }) },
    removeTree,
    dryRun,
    without: gone,
  });
  if (!dryRun) await collectGarbage(host, { removeTree, idleMaps: true });
  const freedBytes = Math.max(0, before - (await usage()));
  return { containers, volumes, networks, images: images.deleted, freedBytes };
}

async function pruneContainers(host: Host, request: SystemPruneRequest): Promise<string[]> {
  const filters = new Map([
    ...(request.untilMs === undefined ? [] : [['until', [String(request.untilMs)]] as const]),
    ...(request.labels.length === 0 ? [] : [['label', request.labels] as const]),
    ...(request.withoutLabels.length === 0 ? [] : [['label!', request.withoutLabels] as const]),
  ]);
  const isCandidate = containerFilter(host, filters);
  const { entries } = listContainerEntries(host, { all: true });
  const idle = entries.filter((entry) => !isRunning(entry.status) && isCandidate(entry));
  const removed: string[] = [];
  for (const { container } of idle) {
    if (request.dryRun) removed.push(container.id);
    else removed.push(...(await removeIfIdle(host, container.id)));
  }
  return removed;
}

/** One that was started meanwhile, or that a running one needs, stays. */
async function removeIfIdle(host: Host, id: string): Promise<string[]> {
  try {
    return await removeExisting(host, id, { force: false, withDependants: false, volumes: true });
  } catch (error) {
    host.log.debug(`container ${id} stays: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

async function pruneUnusedVolumes(
  host: Host,
  request: SystemPruneRequest,
  gone: ReadonlySet<string>,
): Promise<string[]> {
  const users = volumeUsers(host);
  const unused = listVolumes(host).filter(({ name, labels, createdAt }) => {
    const isUsed = (users.get(name) ?? []).some(({ id }) => !gone.has(id));
    return !isUsed && isMeant(request, labels, createdAt);
  });
  if (request.dryRun) return unused.map(({ name }) => name);
  const { pruneVolumes } = await import('./volume-verbs.ts');
  const chosen = new Set(unused.map(({ name }) => name));
  return (await pruneVolumes(host, ({ name }) => chosen.has(name))).map(({ name }) => name);
}

async function pruneUnusedNetworks(
  host: Host,
  request: SystemPruneRequest,
  gone: ReadonlySet<string>,
): Promise<string[]> {
  const networks = listNetworks(host).filter(({ name }) => name !== defaultNetworkName);
  if (networks.length === 0) return [];
  const { networkUsers, pruneNetworks } = await import('./network-verbs.ts');
  const unused = networks.filter(
    (network) =>
      isMeant(request, network.labels, network.created) &&
      networkUsers(host, network).every(({ container }) => gone.has(container.id)),
  );
  if (request.dryRun) return unused.map(({ name }) => name);
  const chosen = new Set(unused.map(({ name }) => name));
  return (await pruneNetworks(host, ({ name }) => chosen.has(name))).map(({ name }) => name);
}

/** The filters of the command, for what has labels and a date. */
function isMeant(request: SystemPruneRequest, labels: Readonly<Record<string, string>>, createdAt: string): boolean {
  const has = (wanted: string) => {
    const [key = '', ...value] = wanted.split('=');
    return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join('='));
  };
  const isOld = request.untilMs === undefined || Date.parse(createdAt) < request.untilMs;
  return isOld && request.labels.every(has) && !request.withoutLabels.some(has);
}
