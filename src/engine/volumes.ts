/**
 * What the mounts of a container are on this host at its start: volumes are filled on first use, overlays and images get
 * their directories, owners are changed where `U` asks for it. After this, runtime-spec.ts only has to write it down.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { readFileInLayers, withDirectoryInLayers } from '../storage/layer-file.ts';
import { layout } from '../storage/layout.ts';
import { lockVolume, readVolume, type VolumeRecord, writeVolume } from '../storage/volume-store.ts';
import { claimedVolume } from './claim-volumes.ts';
import { type ContainerIds, hasCaller } from './container-ids.ts';
import type { MountRequest, RunRequest } from './run-request.ts';
import type { HostFacts, MountSource } from './runtime-spec/facts.ts';
import { type ContainerUser, lookUpUser } from './user-lookup.ts';
import { hasOwnDirectory, volumeMountOf } from './volume-options.ts';

export interface MountsRequest {
  readonly container: ContainerRecord;
  readonly request: RunRequest;
  readonly defaults: ContainerDefaults;
  /** The directories of the container's root, uppermost first. */
  readonly stack: readonly string[];
  /** Of the container: whom its numbers mean, and who it runs as by --userns=keep-id. */
  readonly ids: Pick<ContainerIds, 'maps' | 'user'>;
}

/** Returns where each mount of the request comes from; loads nothing for bind mounts and volumes in use. */
export async function prepareMounts(host: Host, mounts: MountsRequest): Promise<HostFacts['sourceOf']> {
  const sources = new Map<string, MountSource>();
  for (const [index, mount] of mounts.request.mounts.entries()) {
    const source = await prepare(host, mounts, mount, index);
    if (source) sources.set(mount.target, source);
  }
  return ({ target, source = '' }) => sources.get(target) ?? { type: 'bind', source, options: [] };
}

async function prepare(
  host: Host,
  mounts: MountsRequest,
  mount: MountRequest,
  index: number,
): Promise<MountSource | undefined> {
  if (mount.type === 'image') {
    const { imageMount } = await import('./overlay-mounts.ts');
    return imageMount(host, mounts.container, mount, index);
  }
  if (mount.type !== 'volume' && mount.type !== 'bind') return undefined;
  const source = mount.type === 'bind' ? bindSource(mount) : await volumeSource(host, mounts, mount);
  if (mount.options.includes('U') && source.type === 'bind') await chown(host, mounts, source.source);
  if (!mount.options.includes('O')) return source;
  const { overlaidDirectory } = await import('./overlay-mounts.ts');
  return overlaidDirectory(host, mounts.container, { mount, index, lower: source.source });
}

const bindSource = ({ source = '' }: MountRequest): MountSource => ({ type: 'bind', source, options: [] });

async function volumeSource(host: Host, mounts: MountsRequest, mount: MountRequest): Promise<MountSource> {
  const volume = claimedVolume(host, mount);
  if (volume.driver !== 'local') {
    const { connectPlugin } = await import('./volume-plugin.ts');
    const source = await (await connectPlugin(host, volume.driver)).mount(volume.name, mounts.container.id);
    return { type: 'bind', source, options: [] };
  }
  const { options, isFresh } = volume;
  if (isFresh && hasOwnDirectory(options)) await fill(host, mounts, mount, volume);
  return volumeMountOf(options, layout.volumeData(host, volume.name));
}

/** The first container to use a volume gives it what its image has at that place, and that place's owner and mode. */
async function fill(host: Host, mounts: MountsRequest, mount: MountRequest, { name }: VolumeRecord): Promise<void> {
  using _lock = await lockVolume(host, name);
  const volume = readVolume(host, name);
  if (!volume?.isFresh) return;
  const data = layout.volumeData(host, name);
  const wantsCopy = !mount.options.includes('nocopy') && mount.subpath === undefined && isEmpty(data);
  if (wantsCopy) await copyUp(host, mounts, mount, volume);
  writeVolume(host, { ...volume, isFresh: false });
}

async function copyUp(host: Host, mounts: MountsRequest, { target }: MountRequest, { name }: VolumeRecord) {
  const data = layout.volumeData(host, name);
  const inImage = lookAt(mounts.stack, target);
  if (inImage === undefined) {
    const user = userOf(mounts);
    // A place that the image does not have belongs to whom the container runs as: they can use it at once.
    if (user.uid !== 0 || user.gid !== 0 || !hasCaller(mounts.ids.maps, host)) await chown(host, mounts, data);
    return;
  }
  if (inImage.isEmpty && inImage.isOurs && inImage.mode !== undefined) return chmodSync(data, inImage.mode);
  const copy = layout.volumeCopy(host, name);
  const { removeTreeInside } = await import('./user-namespace.ts');
  if (existsSync(copy)) await removeTreeInside(host, copy);
  mkdirSync(copy);
  const { runStorageJob } = await import('./storage-job.ts');
  const job = { op: 'copy', layers: mounts.stack, path: target, target: copy, contentOnly: false } as const;
  await runStorageJob(host, `copy ${target} of the image into volume ${name}`, job, { maps: mounts.ids.maps });
  renameSync(copy, data);
}

export interface ImageDirectory {
  readonly isEmpty: boolean;
  /** Root's in the container: the caller's own on the host unless another is given. */
  readonly isOurs: boolean;
  /** Undefined for one that this process may not look into. */
  readonly mode: number | undefined;
}

/** The directory `path` of the stack, or undefined. What may not be read from here is left to the worker inside. */
export function lookAt(
  stack: readonly string[],
  path: string,
  root: { readonly uid?: number | undefined; readonly gid?: number | undefined } = {
    uid: process.geteuid?.(),
    gid: process.getegid?.(),
  },
): ImageDirectory | undefined {
  try {
    return withDirectoryInLayers(stack, path, (directories) => {
      const { uid, gid, mode } = lstatSync(directories[0] ?? '');
      const isOurs = uid === root.uid && gid === root.gid;
      return { isEmpty: directories.every(isEmpty), isOurs, mode: mode & 0o7777 };
    });
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return { isEmpty: false, isOurs: false, mode: undefined };
    throw error;
  }
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

async function chown(host: Host, mounts: MountsRequest, path: string): Promise<void> {
  const { uid, gid } = userOf(mounts);
  const { runStorageJob } = await import('./storage-job.ts');
  await runStorageJob(host, `change the owner of ${path}`, { op: 'chown', path, uid, gid }, { maps: mounts.ids.maps });
}

/** /etc/passwd and /etc/group of real systems stay far below this. */
const maxUserFileBytes = 4 * 1024 * 1024;

/** Whom the container runs as, by the files of its image. */
export function userOf({
  request,
  defaults,
  stack,
  ids,
}: Pick<MountsRequest, 'request' | 'defaults' | 'stack'> & { ids: Pick<ContainerIds, 'user'> }): ContainerUser {
  const read = (path: string) => readFileInLayers(stack, path, maxUserFileBytes)?.toString('latin1') ?? '';
  const files = { passwd: read('etc/passwd'), group: read('etc/group') };
  const kept = ids.user && `${ids.user.uid}:${ids.user.gid}`;
  return lookUpUser(request.user ?? kept ?? defaults.User ?? '', files);
}
