/** `ctr volume …`: create, list, prune, export and import. What a volume is on disk is in storage/volume-store.ts. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { startInside } from '../ns/inside.ts';
import { layout } from '../storage/layout.ts';
import {
  ensureVolume,
  listVolumes,
  lockVolume,
  type NewVolume,
  readVolume,
  type VolumeRecord,
  writeVolume,
} from '../storage/volume-store.ts';
import { findExecutable, idMapsFor } from './user-namespace.ts';
import { checkVolumeOptions } from './volume-options.ts';
import { removeVolume, volumeUsers } from './volume-use.ts';

/** Make a volume, or return the one that has the name and driver already. Plugins make theirs first. */
export async function createVolume(host: Host, wanted: NewVolume): Promise<VolumeRecord> {
  const known = wanted.name === undefined ? undefined : readVolume(host, wanted.name);
  if (known) return known;
  if (wanted.driver === 'local') {
    checkVolumeOptions(wanted.options);
    return ensureVolume(host, wanted).volume;
  }
  const { connectPlugin } = await import('./volume-plugin.ts');
  const plugin = await connectPlugin(host, wanted.driver);
  const { volume, isNew } = ensureVolume(host, wanted);
  if (!isNew) return volume;
  try {
    await plugin.create(volume.name, wanted.options);
    return volume;
  } catch (error) {
    const { discardTree } = await import('../storage/staging.ts');
    await discardTree(host, layout.volume(host, volume.name));
    throw error;
  }
}

/** Where its content is on this host: what `inspect` shows as Mountpoint. */
export async function mountpointOf(host: Host, { name, driver, options }: VolumeRecord): Promise<string> {
  if (driver === 'local') return options.device ?? layout.volumeData(host, name);
  const { connectPlugin } = await import('./volume-plugin.ts');
  return (await connectPlugin(host, driver)).path(name);
}

/** Remove every volume of `candidates` that no container has; returns them. */
export async function pruneVolumes(
  host: Host,
  isCandidate: (volume: VolumeRecord) => boolean,
): Promise<VolumeRecord[]> {
  const users = volumeUsers(host);
  const removed: VolumeRecord[] = [];
  for (const volume of listVolumes(host)) {
    if (users.has(volume.name) || !isCandidate(volume)) continue;
    try {
      await removeVolume(host, volume);
      removed.push(volume);
    } catch (error) {
      if (!(error instanceof CtrError && error.code === 'IN_USE')) throw error;
    }
  }
  return removed;
}

/** Write the content as a tar archive to the descriptor `output`: owners as containers see them. */
export async function exportVolume(host: Host, volume: VolumeRecord, output: number): Promise<void> {
  await tar(host, ['-C', ownDirectory(host, volume), '-cf', '-', '.'], [0, output, 2]);
}

/** Add the entries of the tar archive on the descriptor `input` to the volume. */
export async function importVolume(host: Host, volume: VolumeRecord, input: number): Promise<void> {
  using _lock = await lockVolume(host, volume.name);
  await tar(host, ['-C', ownDirectory(host, volume), '--same-owner', '-xpf', '-'], [input, 1, 2]);
  // It has content of its own now: an image's must not come on top.
  writeVolume(host, { ...volume, isFresh: false });
}

/** `volume mount`: the place to look at it from the host. A local volume needs no mount. */
export async function mountVolume(host: Host, volume: VolumeRecord): Promise<string> {
  if (volume.driver === 'local') return ownDirectory(host, volume);
  const { connectPlugin } = await import('./volume-plugin.ts');
  return (await connectPlugin(host, volume.driver)).mount(volume.name, handMounted);
}

export async function unmountVolume(host: Host, volume: VolumeRecord): Promise<void> {
  if (volume.driver === 'local') return;
  const { connectPlugin } = await import('./volume-plugin.ts');
  await (await connectPlugin(host, volume.driver)).unmount(volume.name, handMounted);
}

/** Who mounts, for plugins that count. */
const handMounted = 'ctr-volume-mount';

function ownDirectory(host: Host, volume: VolumeRecord): string {
  const { name, options, driver } = volume;
  if (driver !== 'local' || options.type === 'tmpfs') {
    throw new CtrError('UNSUPPORTED', `the content of volume ${name} is not in a directory of this host`, {
      hint: 'mount it into a container and use tar there',
    });
  }
  return options.device ?? layout.volumeData(host, name);
}

/** tar(1) of the host, inside the user namespace: there owners are what containers see. */
async function tar(host: Host, args: readonly string[], stdio: readonly [number, number, number]): Promise<void> {
  const program = findExecutable(host, 'tar');
  if (program === undefined) throw new CtrError('UNSUPPORTED', 'volumes are archived by tar, which is not installed');
  const kept = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls', '--sparse'];
  const inside = await startInside({
    maps: idMapsFor(host),
    stdio,
    steps: [
      { kind: 'reset-signals' },
      { kind: 'close-descriptors', preserve: 0 },
      { kind: 'exec', args: [program, ...kept, ...args], env: [] },
    ],
  });
  const code = inside.wait();
  if (code !== 0) throw new CtrError('STATE', `tar ended with ${code}`, { hint: 'what it said stands above' });
}
