/**
 * Mounts whose changes stay with the container: `O` over a directory or volume, and images. An overlay where the
 * container's own root is one; a copy where the kernel has none to offer.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { findImage } from '../storage/image-store.ts';
import { hasLayer } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { lowerLayers } from './rootfs.ts';
import type { MountRequest } from './run-request.ts';
import type { MountSource } from './runtime-spec/facts.ts';
import { removeTreeInside } from './user-namespace.ts';

interface OverlaidDirectory {
  readonly mount: MountRequest;
  readonly index: number;
  /** What shines through. */
  readonly lower: string;
}

/** `-v DIR:/place:O[,upperdir=…,workdir=…]`; without an upper directory of the user's the changes last one start. */
export async function overlaidDirectory(
  host: Host,
  container: ContainerRecord,
  { mount, index, lower }: OverlaidDirectory,
): Promise<MountSource> {
  const named = (key: string) => mount.options.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const [upperDir, workDir] = [named('upperdir'), named('workdir')];
  if ((upperDir === undefined) !== (workDir === undefined)) {
    throw new CtrError('USAGE', `mount ${mount.target}: upperdir= and workdir= belong together`, {
      hint: 'both are directories of one file system',
    });
  }
  const own = upperDir === undefined || workDir === undefined ? undefined : { upperDir, workDir };
  return stacked(host, container, { names: [lower], stack: [lower], cwd: '/', index, upper: own });
}

export async function imageMount(
  host: Host,
  container: ContainerRecord,
  { source = '', target }: MountRequest,
  index: number,
): Promise<MountSource> {
  const { ownerKind } = container;
  const { image } = findImage(host, source) ?? {};
  if (image === undefined || !image.diffIds.every((diffId) => hasLayer(host, { diffId, kind: ownerKind }))) {
    throw new CtrError('NOT_FOUND', `mount ${target}: no such image: ${source}`, { hint: `ctr pull ${source}` });
  }
  const layers = lowerLayers(host, { diffIds: image.diffIds, ownerKind });
  return stacked(host, container, { ...layers, cwd: layout.layerLinks(host), index, upper: undefined });
}

interface Stacked {
  readonly names: readonly string[];
  readonly stack: readonly string[];
  readonly cwd: string;
  readonly index: number;
  readonly upper: { readonly upperDir: string; readonly workDir: string } | undefined;
}

async function stacked(host: Host, { id, driver }: ContainerRecord, request: Stacked): Promise<MountSource> {
  const { names, stack, cwd, index, upper } = request;
  const directory = layout.containerMount(host, id, index);
  // What an earlier start of the container wrote.
  if (existsSync(directory)) await removeTreeInside(host, directory);
  const [upperDir, workDir] = [`${directory}/upper`, `${directory}/work`];
  for (const path of [upperDir, workDir]) mkdirSync(path, { recursive: true, mode: 0o755 });
  if (driver === 'overlay') {
    const options = overlayOptions({ lower: names, upper: upper ?? { upperDir, workDir } });
    return { type: 'overlay', source: 'overlay', options: [options, `cwd=${cwd}`] };
  }
  if (upper !== undefined) {
    throw new CtrError('UNSUPPORTED', `upperdir= needs the storage driver overlay; this container has ${driver}`);
  }
  const { runStorageJob } = await import('./storage-job.ts');
  await runStorageJob(host, `copy ${stack[0]}`, {
    ...{ op: 'copy', layers: stack, path: '/', target: upperDir, contentOnly: false },
  });
  return { type: 'bind', source: upperDir, options: [] };
}
