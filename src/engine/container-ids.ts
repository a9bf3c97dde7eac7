/**
 * Which ids a container has (`--userns`, `--uidmap`), and which unpacked layers fit them (docs/rootless.md "Choosing the
 * ids"). A map is one-to-one: the caller's own id is either the container's root or another user of it, never both.
 * Nothing is ever copied or chowned for a map: either the layers as they are fit, or they are unpacked once more for it.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readKernelFile } from '../linux/host-files.ts';
import { type IdMaps, parseIdMap } from '../ns/id-maps.ts';
import type { IdMapping } from '../oci/runtime.ts';
import type { OwnerKind } from '../storage/layout.ts';
import type { RunRequest } from './run-request.ts';
import type { IdRange, UsernsRequest } from './sandbox-request.ts';
import { joinedContainer } from './shared-namespaces.ts';
import { idMapsFor, ownerKindFor } from './user-namespace.ts';

export interface ContainerIds {
  readonly maps: IdMaps;
  readonly ownerKind: OwnerKind;
  /** The user that --userns=keep-id runs the command as, unless --user says otherwise. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Reads files only where another container's user namespace is joined. */
export function containerIds(host: Host, request: Pick<RunRequest, 'userns' | 'namespaces' | 'network'>): ContainerIds {
  const usual = idMapsFor(host);
  const joined = joinedContainer(host, request);
  if (joined) return { maps: mapsOf(joined.pid, usual), ownerKind: joined.ownerKind };
  const { userns } = request;
  if (userns === undefined || userns.mode === 'host') return { maps: usual, ownerKind: ownerKindFor(usual) };
  return chosenIds({ uid: host.uid, gid: host.gid }, usual, userns);
}

function chosenIds(caller: { uid: number; gid: number }, usual: IdMaps, userns: UsernsRequest): ContainerIds {
  switch (userns.mode) {
    case 'keep-id':
      return keepId(caller, usual, userns);
    case 'map':
      return mapped(usual, userns);
    case 'nomap':
      return mapped(requireRanges(usual, 'nomap'), { uid: withoutOwn(usual.uid), gid: withoutOwn(usual.gid) });
    case 'auto':
      // Before a range is chosen for it (auto-ids.ts) nothing but the refusal is known.
      return mapped(
        requireRanges(usual, 'auto'),
        userns.chosen ?? { uid: withoutOwn(usual.uid), gid: withoutOwn(usual.gid) },
      );
    default:
      throw new CtrError('INTERNAL', `--userns ${userns.mode} was not resolved`);
  }
}

function mapped(usual: IdMaps, ranges: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] }) {
  const maps = { ...usual, uid: composed(usual.uid, ranges.uid), gid: composed(usual.gid, ranges.gid) };
  const own = { uid: usual.uid[0]?.hostID ?? 0, gid: usual.gid[0]?.hostID ?? 0 };
  if (!hasRoot(maps) && !hasCaller(maps, own)) {
    throw new CtrError('USAGE', 'the map of ids has neither 0 nor your own id: nobody in it could mount anything');
  }
  return { maps, ownerKind: kindOf(maps, usual) };
}

function requireRanges(usual: IdMaps, mode: 'auto' | 'nomap'): IdMaps {
  if (usual.kind === 'subordinate') return usual;
  throw new CtrError(
    'UNSUPPORTED',
    `--userns ${mode} needs subordinate ids: without them there are none but your own`,
    {
      hint: '`ctr doctor` says how to get them',
    },
  );
}

/** All of the map but the caller, from 0 on. */
const withoutOwn = (map: readonly IdMapping[]): IdRange[] => [{ container: 0, from: 1, size: sizeOf(map) - 1 }];

/**
 * The caller is uid N inside. Usual: the places of 0 and N are exchanged, every other id stays, so the layers fit as they
 * are; files of the image's root then belong to N, and those of N to root. `exact`: each id has the files that the image
 * gives it, from layers that were unpacked for this map.
 */
export function keepId(
  caller: { uid: number; gid: number },
  usual: IdMaps,
  { uid = caller.uid, gid = caller.gid, exact }: { uid?: number; gid?: number; exact: boolean },
): ContainerIds {
  const user = { uid, gid };
  if (usual.kind === 'single') {
    const only = (map: readonly IdMapping[], containerID: number) => map.map((one) => ({ ...one, containerID }));
    return { maps: { ...usual, uid: only(usual.uid, uid), gid: only(usual.gid, gid) }, ownerKind: 's', user };
  }
  const place = exact ? shifted : swapped;
  const maps = {
    ...usual,
    uid: composed(usual.uid, place(usual.uid, uid)),
    gid: composed(usual.gid, place(usual.gid, gid)),
  };
  return { maps, ownerKind: exact ? kindOf(maps, usual) : 'm', user };
}

const sizeOf = (map: readonly IdMapping[]) => map.reduce((sum, { size }) => sum + size, 0);

/** `id` ↔ the caller (0 of the usual map), 0 ↔ what `id` was; an id past the map takes the last one's place. */
function swapped(map: readonly IdMapping[], id: number): IdRange[] {
  const count = sizeOf(map);
  if (id === 0) return [{ container: 0, from: 0, size: count }];
  const other = Math.min(id, count - 1);
  return [
    { container: 0, from: other, size: 1 },
    { container: 1, from: 1, size: other - 1 },
    { container: id, from: 0, size: 1 },
    { container: other + 1, from: other + 1, size: count - other - 1 },
  ];
}

/** Podman's map: the ids below `id` move up by one. */
function shifted(map: readonly IdMapping[], id: number): IdRange[] {
  const count = sizeOf(map);
  const below = Math.min(id, count - 1);
  return [
    { container: 0, from: 1, size: below },
    { container: id, from: 0, size: 1 },
    { container: id + 1, from: below + 1, size: count - below - 1 },
  ];
}

/** Ranges that count in `map` become ranges of the host, cut where the map's own ranges end. */
export function composed(map: readonly IdMapping[], ranges: readonly IdRange[]): IdMapping[] {
  const result = ranges.flatMap(({ container, from, size }) => {
    const pieces: IdMapping[] = [];
    for (let done = 0; done < size; ) {
      const at = from + done;
      const source = map.find(({ containerID, size: length }) => containerID <= at && at < containerID + length);
      if (!source) {
        throw new CtrError('USAGE', `id ${at} is not among the ${sizeOf(map)} that you have (0 is your own id)`, {
          hint: 'more subordinate ids: `usermod --add-subuids` and `--add-subgids`',
        });
      }
      const piece = Math.min(size - done, source.containerID + source.size - at);
      pieces.push({ containerID: container + done, hostID: source.hostID + at - source.containerID, size: piece });
      done += piece;
    }
    return pieces;
  });
  return result.sort((a, b) => a.containerID - b.containerID);
}

const includes = (map: readonly IdMapping[], id: number) =>
  map.some(({ hostID, size }) => hostID <= id && id < hostID + size);

/** False for `nomap`, `auto` and a --uidmap that leaves the caller out: nobody inside is the caller then. */
export const hasCaller = ({ uid, gid }: IdMaps, caller: { readonly uid: number; readonly gid: number }): boolean =>
  includes(uid, caller.uid) && includes(gid, caller.gid);

/** For work on a container's files from outside: its ids, and the caller at numbers that nobody has. */
export function withCaller(maps: IdMaps, caller: { readonly uid: number; readonly gid: number }): IdMaps {
  const add = (map: readonly IdMapping[], id: number): readonly IdMapping[] =>
    includes(map, id) ? map : [...map, { containerID: freeId(map), hostID: id, size: 1 }];
  const { isJoined: _, ...own } = maps;
  return { ...own, uid: add(maps.uid, caller.uid), gid: add(maps.gid, caller.gid) };
}

const freeId = (map: readonly IdMapping[]) =>
  map.reduce((next, { containerID, size }) => Math.max(next, containerID + size), 0);

/** Layers unpacked for the usual map, or for this one: named by the map. */
function kindOf(maps: IdMaps, usual: IdMaps): OwnerKind {
  const key = JSON.stringify([maps.uid, maps.gid]);
  if (key === JSON.stringify([usual.uid, usual.gid])) return ownerKindFor(usual);
  const { createHash } = process.getBuiltinModule('node:crypto');
  return `x${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

/** The maps of a process' user namespace, which is joined and not made. */
export function mapsOf(pid: number, usual: IdMaps): IdMaps {
  const map = (file: string) => parseIdMap(readKernelFile(`/proc/${pid}/${file}`) ?? '');
  return { ...usual, uid: map('uid_map'), gid: map('gid_map'), isJoined: true };
}

/** Whether the container's root is somebody else than the caller. */
export function isRootOther({ uid }: IdMaps, caller: number): boolean {
  return !uid.some(({ containerID, hostID }) => containerID === 0 && hostID === caller);
}

export const hasRoot = ({ uid }: IdMaps): boolean => uid.some(({ containerID }) => containerID === 0);
