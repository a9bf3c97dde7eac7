/**
 * `ctr rmi` and `ctr image prune`. A name is untagged first; the image goes with its last name. Its data goes when
 * nothing else refers to it and nobody is adding to the store; otherwise the next collection finds it.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { type ContainerRecord, listContainers } from '../storage/container-store.ts';
import { collectGarbage } from '../storage/gc.ts';
import {
  type ImageRecord,
  listTags,
  readOwnImage,
  removeImage,
  resolveImage,
  untagImage,
} from '../storage/image-store.ts';
import type { RemoveTree } from '../storage/staging.ts';
import { type ImageFilter, listStoredImages, refuseReadOnly, shortId } from './images.ts';

export interface RemoveImagesOptions {
  /** Remove all names of an image given by ID, and with `removeContainer` the containers that use it. */
  readonly force?: boolean;
  /** Images that do not exist are no error. */
  readonly ignore?: boolean;
  readonly removeContainer?: (container: ContainerRecord) => Promise<void>;
  readonly removeTree?: RemoveTree;
  /** Leave the data to the next collection: `--no-prune`. */
  readonly keepData?: boolean;
}

export interface RemovedImages {
  readonly untagged: readonly string[];
  readonly deleted: readonly Digest[];
  readonly freedBytes: number;
  readonly errors: readonly CtrError[];
  /** 0; 1: one did not exist; 2: one is in use; 125: another error (podman-rmi(1) "Exit Status"). */
  readonly exitCode: number;
}

/** Go on past failures; what was done and what failed are both in the result. */
export async function removeImages(
  host: Host,
  namesOrIds: readonly string[],
  options: RemoveImagesOptions = {},
): Promise<RemovedImages> {
  const untagged: string[] = [];
  const deleted: Digest[] = [];
  const errors: CtrError[] = [];
  for (const nameOrId of namesOrIds) {
    try {
      const removed = await removeOne(host, nameOrId, options);
      untagged.push(...removed.untagged);
      if (removed.deleted) deleted.push(removed.deleted);
    } catch (error) {
      if (!(error instanceof CtrError)) throw error;
      if (!(options.ignore && error.code === 'NOT_FOUND')) errors.push(error);
    }
  }
  const freedBytes = deleted.length === 0 || options.keepData ? 0 : await collect(host, options.removeTree);
  return { untagged, deleted, freedBytes, errors, exitCode: exitCodeOf(errors) };
}

export interface PruneChoice {
  readonly all: boolean;
  readonly filter?: ImageFilter;
  readonly removeTree?: RemoveTree;
  /** Only tell what would go. */
  readonly dryRun?: boolean;
  /** Containers that do not count: they go first. */
  readonly without?: ReadonlySet<string>;
}

/** Delete dangling images, with `all` every image that no container uses. */
export async function pruneImages(host: Host, choice: PruneChoice): Promise<RemovedImages> {
  const own = { ...choice.filter, isReadOnly: false };
  const filter = choice.all ? own : { ...own, isDangling: true };
  const candidates = listStoredImages(host, filter).map(({ image }) => image);
  const isOther = ({ id }: ContainerRecord) => !choice.without?.has(id);
  const unused = candidates.filter((image) => !containersOf(host, image).some(isOther));
  if (choice.dryRun)
    return { untagged: [], deleted: unused.map(({ id }) => id), freedBytes: 0, errors: [], exitCode: 0 };
  const untagged = unused.flatMap((image) => forget(host, image));
  const freedBytes = await collect(host, choice.removeTree);
  return { untagged, deleted: unused.map(({ id }) => id), freedBytes, errors: [], exitCode: 0 };
}

async function removeOne(
  host: Host,
  nameOrId: string,
  options: RemoveImagesOptions,
): Promise<{ untagged: readonly string[]; deleted?: Digest }> {
  const stored = resolveImage(host, nameOrId);
  refuseReadOnly(host, nameOrId, stored);
  const { image, tag } = stored;
  const names = listTags(host).filter(({ id }) => id === image.id);
  if (tag && (names.length > 1 || !readOwnImage(host, image.id))) {
    untagImage(host, tag.name);
    return { untagged: [tag.name] };
  }
  if (!tag && names.length > 1 && !options.force) {
    const list = names.map(({ name }) => name).join(', ');
    throw new CtrError('INVALID', `image ${shortId(image.id)} has more than one name: ${list}`, {
      hint: 'remove it by name, or by ID with --force',
    });
  }
  await freeFromContainers(host, image, options);
  return { untagged: forget(host, image), deleted: image.id };
}

/** Take all names away, then the record: a name never points to nothing. */
function forget(host: Host, image: ImageRecord): string[] {
  const names = listTags(host).filter(({ id }) => id === image.id);
  const untagged = names.map(({ name }) => name).filter((name) => untagImage(host, name));
  removeImage(host, image.id);
  return untagged;
}

async function freeFromContainers(host: Host, image: ImageRecord, options: RemoveImagesOptions): Promise<void> {
  const users = containersOf(host, image);
  if (users.length === 0) return;
  if (!options.force || !options.removeContainer) {
    const list = users.map(({ id, name }) => `${id.slice(0, 12)} (${name})`).join(', ');
    throw new CtrError('IN_USE', `image used by ${users.length === 1 ? 'container' : 'containers'} ${list}`, {
      hint: 'remove the containers first, or use --force to remove them too',
      exitCode: 2,
    });
  }
  for (const container of users) await options.removeContainer(container);
}

const containersOf = (host: Host, { id }: ImageRecord) =>
  listContainers(host).containers.filter(({ imageId }) => imageId === id);

async function collect(host: Host, removeTree: RemoveTree | undefined): Promise<number> {
  const { freedBytes } = await collectGarbage(host, removeTree ? { removeTree } : {});
  return freedBytes;
}

function exitCodeOf(errors: readonly CtrError[]): number {
  const codes = new Set(errors.map(({ code }) => code));
  if (codes.size === 0) return 0;
  if ([...codes].some((code) => code !== 'NOT_FOUND' && code !== 'IN_USE')) return 125;
  return codes.has('IN_USE') ? 2 : 1;
}
