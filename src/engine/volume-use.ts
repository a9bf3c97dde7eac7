/** Who uses which volume, and the removal of those that nobody may use any more. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, listContainers } from '../storage/container-store.ts';
import { lockVolume, readVolume, removeVolumeTree, type VolumeRecord } from '../storage/volume-store.ts';
import type { MountRequest } from './run-request.ts';
import { storedRequest } from './stored-request.ts';
import { removeTreeInside } from './user-namespace.ts';

/** Volume name → the containers that have it, running or not. */
export function volumeUsers(host: Host): Map<string, ContainerRecord[]> {
  const users = new Map<string, ContainerRecord[]>();
  for (const container of listContainers(host).containers) {
    for (const name of volumeNames(mountsOf(host, container))) {
      users.set(name, [...(users.get(name) ?? []), container]);
    }
  }
  return users;
}

/** Remove one volume; throws IN_USE (exit code 2, as Podman and Docker) when a container has it. */
export async function removeVolume(host: Host, volume: VolumeRecord): Promise<void> {
  using lock = await lockVolume(host, volume.name);
  const users = volumeUsers(host).get(volume.name) ?? [];
  if (users.length > 0) {
    const ids = users.map(({ id }) => id.slice(0, 12)).join(', ');
    throw new CtrError('IN_USE', `volume ${volume.name} is being used by the following container(s): ${ids}`, {
      hint: `remove them first (ctr rm ${ids.replaceAll(',', '')}), or all with the volume: ctr volume rm --force`,
      exitCode: 2,
    });
  }
  if (volume.driver !== 'local') {
    const { connectPlugin } = await import('./volume-plugin.ts');
    await (await connectPlugin(host, volume.driver)).remove(volume.name);
  }
  await removeVolumeTree(host, volume.name, (path) => removeTreeInside(host, path));
  lock.releaseAndRemove();
}

/** `rm -v` and --rm: those of `mounts` that were made for this one container, unless another one got them meanwhile. */
export async function removeAnonymousVolumes(host: Host, mounts: readonly MountRequest[]): Promise<void> {
  for (const name of volumeNames(mounts)) {
    const volume = readVolume(host, name);
    if (!volume?.isAnonymous) continue;
    try {
      await removeVolume(host, volume);
    } catch (error) {
      if (!(error instanceof CtrError && error.code === 'IN_USE')) throw error;
    }
  }
}

/** Container `id` has ended: plugins may let go of what they mounted for it. One that is gone hinders nothing. */
export async function releaseVolumes(host: Host, id: string, mounts: readonly MountRequest[]): Promise<void> {
  for (const name of volumeNames(mounts)) {
    const volume = readVolume(host, name);
    if (volume === undefined || volume.driver === 'local') continue;
    try {
      const { connectPlugin } = await import('./volume-plugin.ts');
      await (await connectPlugin(host, volume.driver)).unmount(name, id);
    } catch (error) {
      host.log.warn(error instanceof Error ? error.message : String(error));
    }
  }
}

/** None for a container whose record is broken: it must not keep a volume for ever. */
function mountsOf(host: Host, container: ContainerRecord): readonly MountRequest[] {
  try {
    return storedRequest(container).mounts;
  } catch (error) {
    host.log.debug(`container ${container.name}: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

const volumeNames = (mounts: readonly MountRequest[]) =>
  new Set(mounts.flatMap(({ type, source }) => (type === 'volume' && source !== undefined ? [source] : [])));
