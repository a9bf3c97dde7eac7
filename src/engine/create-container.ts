/** `ctr create`, and the first half of `ctr run`: everything that can be refused is refused before anything is made. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { parsePlatform, platformMatches } from '../oci/platform.ts';
import { allocateContainer, type ContainerRecord, findContainerId } from '../storage/container-store.ts';
import { findImage, type StoredImage } from '../storage/image-store.ts';
import { markImageUsed } from '../storage/image-use.ts';
import { hasLayer } from '../storage/layer-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import { recordContainerEvent } from './container-events.ts';
import { type ContainerIds, containerIds } from './container-ids.ts';
import { readConfig } from './images.ts';
import type { WatchPull } from './pull.ts';
import { makeRoot } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import { commandFor } from './runtime-spec.ts';
import { chooseStorageDriver } from './storage-driver.ts';
import { idMapsFor, ownerKindFor } from './user-namespace.ts';

export interface CreatedContainer {
  readonly container: ContainerRecord;
  readonly defaults: ContainerDefaults;
  /** As it is stored: with the names of its volumes. */
  readonly request: RunRequest;
}

/** Make a container that is ready to start. `watchPull` is called only if the image has to be fetched. */
export async function createContainer(host: Host, given: RunRequest, watchPull?: WatchPull): Promise<CreatedContainer> {
  let request = given;
  if (request.limits) (await import('./cgroups.ts')).cgroupFor(host, '', request.limits);
  if (request.network.mode === 'slirp4netns') {
    (await import('../net/slirp-ports.ts')).checkSlirp(request.network.options, request.publish);
  }
  // Before anything is fetched: some ids are refused.
  let ids = containerIds(host, request);
  const stored = request.image === undefined ? undefined : await ensureImage(host, request, request.image, watchPull);
  const defaults = stored ? readConfig(host, stored.image).config : {};
  if (request.mounts.some(({ options }) => options.includes('me'))) {
    const { withCallerAsUser } = await import('./mount-as-user.ts');
    request = withCallerAsUser(host, request, { diffIds: stored?.image.diffIds ?? [], defaults });
    ids = containerIds(host, request);
  }
  // Nobody else may choose ids until the record of this container says which are its own.
  using chosen =
    request.userns?.mode === 'auto'
      ? await (await import('./auto-ids.ts')).chooseIds(host, { userns: request.userns, request, stored, defaults })
      : undefined;
  if (chosen) {
    request = { ...request, userns: chosen.userns };
    ids = containerIds(host, request);
  }
  if (stored) await unpackFor(host, stored, ids);
  const command = commandFor(request, defaults);
  const cidFile = request.cidFile === undefined ? undefined : claimCidFile(request.cidFile);
  try {
    if (request.replace && request.name !== undefined) await removeNamed(host, request.name);
    // Until the record is written, nothing but this lock keeps the image's layers from being collected.
    using _store = await lockWhenFree(storeLockOf(host), 'shared');
    using allocated = allocateContainer(host, request.name);
    const source = {
      id: allocated.id,
      diffIds: stored?.image.diffIds ?? [],
      ownerKind: ids.ownerKind,
      driver: chooseStorageDriver(host).driver,
    };
    await makeRoot(host, source, request.rootfs);
    if (usesVolumes(request, defaults)) {
      request = await (await import('./claim-volumes.ts')).claimVolumes(host, request, defaults);
    }
    if (request.publish.length > 0 || request.publishAll) {
      request = { ...request, publish: await (await import('./published-ports.ts')).choosePorts(request, defaults) };
    }
    const container = allocated.commit({
      ...source,
      createdAt: new Date().toISOString(),
      ...(stored ? { imageId: stored.image.id, imageName: stored.tag?.name ?? stored.image.id } : {}),
      command,
      labels: { ...defaults.Labels, ...request.labels },
      request,
    });
    if (stored) markImageUsed(host, stored.image.id);
    cidFile?.write(container.id);
    recordContainerEvent(host, container, 'create');
    return { container, defaults, request };
  } catch (error) {
    cidFile?.discard();
    throw error;
  }
}

/** Layers of another map are unpacked from the blobs that are there, once for all containers that have the map. */
async function unpackFor(host: Host, stored: StoredImage, ids: ContainerIds): Promise<void> {
  if (stored.image.diffIds.every((diffId) => hasLayer(host, { diffId, kind: ids.ownerKind }))) return;
  const [{ unpackRecorded }, { unpackingFor }] = await Promise.all([
    import('../image/pull.ts'),
    import('./unpacking.ts'),
  ]);
  host.log.info('unpacking the image for this map of ids (once)');
  using _store = await lockWhenFree(storeLockOf(host), 'shared');
  if (await unpackRecorded(stored, { host, ...(await unpackingFor(host, ids)) })) return;
  throw new CtrError('STATE', 'an archive of the image is missing, so it cannot be unpacked for this map of ids', {
    hint: 'pull the image again',
  });
}

/** podman-run(1) --replace. */
async function removeNamed(host: Host, name: string): Promise<void> {
  const id = findContainerId(host, name);
  if (id === undefined) return;
  const { removeExisting } = await import('./remove-existing.ts');
  await removeExisting(host, id, { force: true, withDependants: false, volumes: false });
}

const usesVolumes = ({ mounts, volumesFrom }: RunRequest, { Volumes = {} }: ContainerDefaults) =>
  volumesFrom.length > 0 || Object.keys(Volumes).length > 0 || mounts.some(({ type }) => type === 'volume');

/** The image, unpacked for this user's owners; fetched as `--pull` says. The common case touches no network module. */
async function ensureImage(
  host: Host,
  request: RunRequest,
  name: string,
  watchPull: WatchPull | undefined,
): Promise<StoredImage> {
  const stored = findImage(host, name);
  if (stored && isReady(host, stored, request)) return stored;
  const { pull } = await import('./pull.ts');
  const { pull: policy, platform, tlsVerify, authFile } = request;
  const watch = await watchPull?.();
  try {
    const { image } = await pull(host, { name, policy, platform, tlsVerify, authFile }, watch);
    return findImage(host, name) ?? { image };
  } finally {
    watch?.close?.();
  }
}

function isReady(host: Host, { image }: StoredImage, request: RunRequest): boolean {
  if (request.pull === 'always' || request.pull === 'newer') return false;
  const wanted = request.platform === undefined ? undefined : parsePlatform(request.platform);
  if (wanted && !platformMatches(image, wanted)) return false;
  const kind = ownerKindFor(idMapsFor(host));
  return image.diffIds.every((diffId) => hasLayer(host, { diffId, kind }));
}

/** podman-run(1) --cidfile: the file must not exist, and is not left behind by a failure. */
function claimCidFile(path: string): { write(id: string): void; discard(): void } {
  try {
    const fd = openSync(path, 'wx', 0o644);
    return {
      write(id) {
        writeSync(fd, id);
        closeSync(fd);
      },
      discard() {
        rmSync(path, { force: true });
      },
    };
  } catch (cause) {
    const exists = errnoOf(cause) === 'EEXIST';
    throw new CtrError('EXISTS', `--cidfile ${path}: ${exists ? 'the file exists' : 'cannot be made'}`, {
      cause,
      hint: exists ? 'another container may still use it: delete the file or choose another' : undefined,
    });
  }
}
