/**
 * Volumes: volumes/<name>/ with volume.json and the content in _data/, which containers mount. A volume appears by one
 * rename and disappears by one; volume.json is replaced whole.
 *
 * Should:  find, make and remove them. Mustn't: know who uses them, mount anything, or look into _data.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, withSpaceHint, writeJsonFile } from '../base/json-file.ts';
import { randomHex } from '../base/random.ts';
import { boolean, type Check, object, record, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import { type Lock, lockOf, lockWhenFree } from './lock.ts';
import { ensureDataRoot, namesIn } from './roots.ts';
import { createStagingDirectory, discardTree, type RemoveTree } from './staging.ts';

export interface VolumeRecord {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** `local`, or the name of a plugin. */
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `--opt`: for local ones type, o and device as in mount(8). */
  readonly options: Readonly<Record<string, string>>;
  /** Made for one container, which takes it along when it is removed with its volumes. */
  readonly isAnonymous: boolean;
  /** No container has used it yet: the first one copies the content of its image. */
  readonly isFresh: boolean;
}

const volumeRecord: Check<VolumeRecord> = object({
  name: string,
  createdAt: string,
  driver: string,
  labels: record(string),
  options: record(string),
  isAnonymous: boolean,
  isFresh: boolean,
});

export type NewVolume = Omit<VolumeRecord, 'name' | 'createdAt' | 'isFresh'> & { readonly name?: string };

/** Make a volume; the one that has the name already when there is one. */
export function ensureVolume(host: Host, wanted: NewVolume): { volume: VolumeRecord; isNew: boolean } {
  const name = wanted.name ?? randomHex(32);
  checkVolumeName(name);
  const known = readVolume(host, name);
  if (known) return { volume: known, isNew: false };
  ensureDataRoot(host);
  const volume: VolumeRecord = { ...wanted, name, createdAt: new Date().toISOString(), isFresh: true };
  using staging = createStagingDirectory(host);
  try {
    mkdirSync(`${staging.path}/_data`, { mode: 0o755 });
    writeJsonFile(`${staging.path}/volume.json`, volume);
    renameSync(staging.path, layout.volume(host, name));
    return { volume, isNew: true };
  } catch (error) {
    const other = ['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '') ? readVolume(host, name) : undefined;
    if (other) return { volume: other, isNew: false };
    throw withSpaceHint(error, layout.volume(host, name));
  }
}

/** Undefined when there is no such volume (any more). */
export function readVolume(host: Host, name: string): VolumeRecord | undefined {
  const path = layout.volumeRecord(host, name);
  const value = readJsonFile(path);
  return value === undefined ? undefined : volumeRecord(value, path);
}

/** Replace the record; the caller holds the volume's lock. */
export function writeVolume(host: Host, volume: VolumeRecord): void {
  writeJsonFile(layout.volumeRecord(host, volume.name), volume);
}

/** By name, or the beginning of one name; throws NOT_FOUND (exit code 1), or INVALID when several names begin so. */
export function resolveVolume(host: Host, name: string): VolumeRecord {
  const exact = isVolumeName(name) ? readVolume(host, name) : undefined;
  if (exact) return exact;
  const hits = name === '' ? [] : namesIn(layout.volumes(host)).filter((each) => each.startsWith(name));
  if (hits.length > 1) {
    throw new CtrError('INVALID', `${name} is the beginning of ${hits.length} volume names`, {
      hint: `one of: ${hits.slice(0, 5).join(', ')}`,
    });
  }
  const found = hits[0] === undefined ? undefined : readVolume(host, hits[0]);
  if (found) return found;
  throw new CtrError('NOT_FOUND', `no volume with name "${name}" found: no such volume`, {
    hint: '`ctr volume ls` lists all volumes',
    exitCode: 1,
  });
}

/** By name. A volume whose record cannot be read is reported and left out. */
export function listVolumes(host: Host): VolumeRecord[] {
  return namesIn(layout.volumes(host))
    .sort()
    .flatMap((name) => {
      try {
        return readVolume(host, name) ?? [];
      } catch (error) {
        host.log.warn(`volume ${name}: ${error instanceof Error ? error.message : error}`);
        return [];
      }
    });
}

/** Held while content is copied into a volume, and while one is removed. */
export function lockVolume(host: Host, name: string): Promise<Lock> {
  return lockWhenFree(lockOf(host, 'volume', name));
}

/** The caller holds the volume's lock and knows that nobody uses it. */
export async function removeVolumeTree(host: Host, name: string, removeTree: RemoveTree): Promise<void> {
  await discardTree(host, layout.volume(host, name), removeTree);
}

/** Docker's and Podman's grammar; the name becomes a directory. */
export const isVolumeName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name);

function checkVolumeName(name: string): void {
  if (isVolumeName(name)) return;
  throw new CtrError('INVALID', `invalid volume name ${JSON.stringify(name)}`, {
    hint: 'names must match [a-zA-Z0-9][a-zA-Z0-9_.-]* and have at most 255 characters',
  });
}
