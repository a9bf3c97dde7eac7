/**
 * `--userns auto` (podman-run(1)): ids for one container that no other one has. What is taken is what the records of
 * containers say: with its container a range is free again, however that went away.
 */
import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { IdMapping } from '../oci/runtime.ts';
import { listContainers } from '../storage/container-store.ts';
import type { StoredImage } from '../storage/image-store.ts';
import { readFileInLayers } from '../storage/layer-file.ts';
import { lockOf, lockWhenFree } from '../storage/lock.ts';
import { lowerLayers } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import type { AutoUserns, IdRange } from './sandbox-request.ts';
import { requestIfWhole } from './stored-request.ts';
import { idsOf, lookUpUser } from './user-lookup.ts';
import { idMapsFor, ownerKindFor } from './user-namespace.ts';

export interface ChosenIds extends Disposable {
  readonly userns: AutoUserns;
}

export interface AutoRequest {
  readonly userns: AutoUserns;
  readonly request: RunRequest;
  readonly stored: StoredImage | undefined;
  readonly defaults: ContainerDefaults;
}

/** Until it is disposed nobody else can choose: the record of the container has to be written before. */
export async function chooseIds(host: Host, wanted: AutoRequest): Promise<ChosenIds> {
  const { userns } = wanted;
  const available = availableIds(host);
  const size = userns.size ?? Math.max(leastSize, highestId(host, wanted) + 1);
  const lock = await lockWhenFree(lockOf(host, 'ids', 'auto'));
  try {
    const chosen = placeRange(userns, size, { available, taken: takenIds(host) });
    return { userns: { ...userns, chosen }, [Symbol.dispose]: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** As in Podman: enough for the users of ordinary images. */
const leastSize = 1024;
const nobody = 65_534;

/** How many subordinate ids there are, of users and groups alike; they count from 1 in the caller's map. */
function availableIds(host: Host): number {
  const { uid, gid } = idMapsFor(host);
  const sizeOf = (map: readonly IdMapping[]) => map.reduce((sum, { size }) => sum + size, 0);
  return Math.min(sizeOf(uid), sizeOf(gid)) - 1;
}

interface Space {
  readonly available: number;
  readonly taken: readonly Range[];
}

type Range = Pick<IdRange, 'from' | 'size'>;

/** The lowest free place: containers that follow one another get the same ids, and with them the same layers. */
export function placeRange({ uid, gid }: Pick<AutoUserns, 'uid' | 'gid'>, size: number, space: Space) {
  const gaps = { uid: gapsIn(uid, size), gid: gapsIn(gid, size) };
  const need = Math.max(...[gaps.uid, gaps.gid].map((each) => each.reduce((sum, gap) => sum + gap.size, 0)));
  const taken = [...space.taken, ...uid, ...gid].toSorted((a, b) => a.from - b.from);
  let from = 1;
  for (const range of taken) {
    if (range.from >= from + need) break;
    from = Math.max(from, range.from + range.size);
  }
  if (from + need - 1 > space.available) throw usedUp(need, space);
  const fill = (mapped: readonly IdRange[], empty: readonly Gap[]): IdRange[] => {
    let next = from;
    const filled = empty.map(({ container, size: length }) => {
      const range = { container, from: next, size: length };
      next += length;
      return range;
    });
    return [...mapped, ...filled];
  };
  return { uid: fill(uid, gaps.uid), gid: fill(gid, gaps.gid) };
}

type Gap = Pick<IdRange, 'container' | 'size'>;

/** What of 0 … size-1 has not been given a place. */
function gapsIn(mapped: readonly IdRange[], size: number): Gap[] {
  const gaps: Gap[] = [];
  let next = 0;
  for (const { container, size: length } of mapped.toSorted((a, b) => a.container - b.container)) {
    if (container > next) gaps.push({ container: next, size: Math.min(container, size) - next });
    next = Math.max(next, container + length);
    if (next >= size) return gaps.filter((gap) => gap.size > 0);
  }
  return [...gaps, { container: next, size: size - next }];
}

function usedUp(need: number, { available, taken }: Space): CtrError {
  const inUse = taken.length === 0 ? '' : '; other containers with --userns auto have some of them';
  return new CtrError(
    'NO_SPACE',
    `--userns auto wants ${need} ids in a row, which are not free among your ${available} subordinate ids${inUse}`,
    { hint: 'remove containers, ask for fewer (--userns auto:size=N), or get more: `usermod --add-subuids`' },
  );
}

function takenIds(host: Host): Range[] {
  return listContainers(host).containers.flatMap((container) => {
    const userns = requestIfWhole(container)?.userns;
    return userns?.mode === 'auto' && userns.chosen ? [...userns.chosen.uid, ...userns.chosen.gid] : [];
  });
}

/** /etc/passwd and /etc/group of real systems stay far below this. */
const maxUserFileBytes = 4 * 1024 * 1024;

/** Of the image's users but nobody, of its files, and of whom the command runs as. */
function highestId(host: Host, { request, stored, defaults }: AutoRequest): number {
  if (!stored) return 0;
  const kind = ownerKindFor(idMapsFor(host));
  const { stack } = lowerLayers(host, { diffIds: stored.image.diffIds, ownerKind: kind });
  const read = (path: string) => readFileInLayers(stack, path, maxUserFileBytes)?.toString('latin1') ?? '';
  const files = { passwd: read('etc/passwd'), group: read('etc/group') };
  const user = lookUpUser(request.user ?? defaults.User ?? '', files, request.groupAdd);
  const users = idsOf(files).filter((id) => id < nobody);
  const owners = stack.map((directory) => highestOwner(directory, idMapsFor(host)));
  return [user.uid, user.gid, ...user.additionalGids, ...users, ...owners].reduce((a, b) => Math.max(a, b), 0);
}

/** What may not be looked into from here belongs to whom its directory belongs to, as a rule. */
function highestOwner(
  directory: string,
  maps: { readonly uid: readonly IdMapping[]; readonly gid: readonly IdMapping[] },
) {
  const inside = (map: readonly IdMapping[], id: number) => {
    const range = map.find(({ hostID, size }) => hostID <= id && id < hostID + size);
    return range ? range.containerID + id - range.hostID : 0;
  };
  const ofEntry = ({ uid, gid }: Stats) => Math.max(inside(maps.uid, uid), inside(maps.gid, gid));
  let highest = 0;
  const walk = (path: string): void => {
    for (const entry of entriesOf(path)) {
      highest = Math.max(highest, ofEntry(lstatSync(`${path}/${entry.name}`)));
      if (entry.isDirectory()) walk(`${path}/${entry.name}`);
    }
  };
  walk(directory);
  return highest;
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // Closed to the caller.
  }
}
