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
    case 'map': {
      const maps = { ...usual, uid: composed(usual.uid, userns.uid), gid: composed(usual.gid, userns.gid) };
      refuseWithoutOwnId(maps, usual, '--uidmap');
      return { maps, ownerKind: kindOf(maps, usual) };
    }
    case 'auto':
    case 'nomap':
      throw new CtrError('UNSUPPORTED', `--userns ${userns.mode} is not supported: it has no place for your own id`, {
        hint: 'image and container files are yours, and overlay has to work on them with your id; use --uidmap with your id (from 0) at a number that nobody has inside',
      });
    default:
      throw new CtrError('INTERNAL', `--userns ${userns.mode} was not resolved`);
  }
}

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

function refuseWithoutOwnId(maps: IdMaps, usual: IdMaps, flag: string): void {
  const has = (map: readonly IdMapping[], own: number | undefined) =>
    map.some(({ hostID, size }) => own !== undefined && hostID <= own && own < hostID + size);
  if (has(maps.uid, usual.uid[0]?.hostID) && has(maps.gid, usual.gid[0]?.hostID)) return;
  throw new CtrError('UNSUPPORTED', `${flag} leaves no place for your own id`, {
    hint: 'add it at a number that nobody has inside, as --uidmap 60000:0:1: the container’s files are yours',
  });
}

/** Layers unpacked for the usual map, or for this one: named by the map. */
function kindOf(maps: IdMaps, usual: IdMaps): OwnerKind {
  const key = JSON.stringify([maps.uid, maps.gid]);
  if (key === JSON.stringify([usual.uid, usual.gid])) return ownerKindFor(usual);
  const { createHash } = process.getBuiltinModule('node:crypto');
  return `x${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

/** The maps of a process' user namespace, which is joined and not made. */
function mapsOf(pid: number, usual: IdMaps): IdMaps {
  const map = (file: string) => parseIdMap(readKernelFile(`/proc/${pid}/${file}`) ?? '');
  return { kind: usual.kind, uid: map('uid_map'), gid: map('gid_map'), isJoined: true };
}

/** Whether the container's root is somebody else than the caller. */
export function isRootOther({ uid }: IdMaps, caller: number): boolean {
  return !uid.some(({ containerID, hostID }) => containerID === 0 && hostID === caller);
}

export const hasRoot = ({ uid }: IdMaps): boolean => uid.some(({ containerID }) => containerID === 0);
