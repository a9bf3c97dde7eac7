/** -v, --mount, --tmpfs, --read-only. */

import { statSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import type { MountRequest, RunRequest } from '../../engine/run-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { parseMountSpec } from './mount-spec.ts';
import { parseTmpfsSpec, parseVolumeSpec } from './volume-spec.ts';

export interface MountOptions {
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly volumesFrom: readonly string[];
  readonly volumeDriver?: string;
  readonly imageVolume?: string;
  readonly readOnly?: boolean;
  readonly readOnlyTmpfs: boolean;
}

export function addMountFlags(command: FlagSet): void {
  command
    .optionsGroup('Files:')
    .option('-v, --volume <[source:]target[:options]>', 'mount a host directory or a named volume', collect, [])
    .option(
      '--mount <type=...,target=...>',
      'mount in words: bind, volume, tmpfs, ramfs, devpts, image, glob',
      collect,
      [],
    )
    .option('--volumes-from <container[:ro]>', 'mount what another container mounts', collect, [])
    .option('--volume-driver <name>', 'the plugin that makes the volumes which do not exist yet')
    .option('--image-volume <mode>', "the image's volumes: anonymous (bind is the same), tmpfs or ignore")
    .option('--tmpfs <target[:options]>', 'mount memory at a directory', collect, [])
    .option('--read-only', 'the root file system is read-only')
    .option(
      '--read-only-tmpfs',
      'with --read-only: /run, /tmp and /var/tmp stay writable, in memory; on unless =false',
      true,
    );
}

/** All user mounts; two for the same place are an error. */
export function parseMounts(options: MountOptions, cwd: string): MountRequest[] {
  const mounts = [
    ...options.volume.map((spec) => parseVolumeSpec(spec, cwd)),
    ...options.mount.flatMap((spec) => parseMountSpec(spec, cwd)),
    ...options.tmpfs.map(parseTmpfsSpec),
  ];
  const seen = new Set<string>();
  for (const { target } of mounts) {
    if (seen.has(target)) throw new CtrError('USAGE', `${target}: duplicate mount destination`);
    seen.add(target);
  }
  return mounts;
}

/** podman-run(1) --image-volume. */
export function parseImageVolume({ imageVolume }: MountOptions): Pick<RunRequest, 'imageVolumes'> {
  switch (imageVolume) {
    case undefined:
    case 'anonymous':
    case 'bind':
      return {};
    case 'tmpfs':
    case 'ignore':
      return { imageVolumes: imageVolume };
    default:
      throw flagError('--image-volume', imageVolume, 'want anonymous, tmpfs or ignore');
  }
}

/** Podman's rule: a host directory that is not there is an error, never made. */
export function checkBindSources(mounts: readonly MountRequest[]): void {
  for (const { type, source, target } of mounts) {
    if (type !== 'bind' || source === undefined || exists(source, target)) continue;
    throw new CtrError('NOT_FOUND', `cannot mount ${source} at ${target}: no such file or directory`, {
      hint: `make it first (mkdir -p ${source}), or use the name of a volume`,
    });
  }
}

function exists(source: string, target: string): boolean {
  try {
    return statSync(source, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    throw new CtrError('DENIED', `cannot mount ${source} at ${target}: it cannot be reached`, {
      cause,
      hint: `a directory on the way is another user's and closed to you: \`namei -l ${source}\` shows which`,
    });
  }
}
