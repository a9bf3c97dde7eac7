/** What `volume inspect` and `volume ls --format json` show of a volume, in Podman's and Docker's members. */
import type { Host } from '../base/host.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { VolumeRecord } from '../storage/volume-store.ts';
import { volumeUsers } from './volume-use.ts';
import { mountpointOf } from './volume-verbs.ts';

export interface VolumeDetails {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly CreatedAt: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Scope: string;
  readonly Options: Readonly<Record<string, string>>;
  readonly Anonymous?: boolean;
  readonly NeedsCopyUp?: boolean;
  /** How many running containers have it. */
  readonly MountCount?: number;
}

export async function inspectVolume(
  host: Host,
  volume: VolumeRecord,
  style: 'podman' | 'docker',
): Promise<VolumeDetails> {
  const details: VolumeDetails = {
    Name: volume.name,
    Driver: volume.driver,
    Mountpoint: await mountpointIfKnown(host, volume),
    CreatedAt: volume.createdAt,
    Labels: volume.labels,
    Scope: 'local',
    Options: volume.options,
  };
  if (style === 'docker') return details;
  return {
    ...details,
    ...(volume.isAnonymous ? { Anonymous: true } : {}),
    NeedsCopyUp: volume.isFresh,
    MountCount:
      volumeUsers(host)
        .get(volume.name)
        ?.filter(({ id }) => readRunningState(host, id)).length ?? 0,
  };
}

/** A plugin that does not run must not keep its volumes from being listed. */
async function mountpointIfKnown(host: Host, volume: VolumeRecord): Promise<string> {
  try {
    return await mountpointOf(host, volume);
  } catch (error) {
    host.log.debug(error instanceof Error ? error.message : String(error));
    return '';
  }
}
