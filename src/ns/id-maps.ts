/**
 * Which ids a user namespace has (user_namespaces(7) "User and group ID mappings").
 *
 * A ladder, chosen by what the host offers: subordinate ranges written by newuidmap/newgidmap; the caller's own map,
 * one to one, when the caller is root; a single id otherwise.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { spawnCommand } from '../linux/spawn-command.ts';
import { subIds } from '../linux/subids.ts';
import type { IdMapping } from '../oci/runtime.ts';

export interface IdMaps {
  readonly kind: 'subordinate' | 'identity' | 'single';
  readonly uid: readonly IdMapping[];
  readonly gid: readonly IdMapping[];
  /** newuidmap and newgidmap, for `subordinate`. */
  readonly helpers?: { readonly uid: string; readonly gid: string };
  /** The user namespace exists and has them: they are not written. */
  readonly isJoined?: true;
  /** Why a better rung was not taken: one line for the user. */
  readonly notice?: string;
}

export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** An executable file of that name in PATH, or undefined. */
  readonly find: (name: string) => string | undefined;
}

/** The best maps that this host gives to the caller. */
export function chooseIdMaps(caller: Caller): IdMaps {
  const ranges = subIds(caller.uid);
  const single = (notice: string): IdMaps => ({
    kind: 'single',
    uid: [{ containerID: 0, hostID: caller.uid, size: 1 }],
    gid: [{ containerID: 0, hostID: caller.gid, size: 1 }],
    notice: `${notice}; all files and processes of the container have your own id (docs/rootless.md)`,
  });
  if (caller.uid === 0 && (ranges.uid.length === 0 || ranges.gid.length === 0)) return identityMaps();
  if (ranges.uid.length === 0) return single('no subordinate ids for this user in /etc/subuid');
  if (ranges.gid.length === 0) return single('no subordinate ids for this user in /etc/subgid');
  const [uid, gid] = [caller.find('newuidmap'), caller.find('newgidmap')];
  if (uid === undefined || gid === undefined) return single('newuidmap is not installed (package uidmap)');
  return {
    kind: 'subordinate',
    uid: withRanges(caller.uid, ranges.uid),
    gid: withRanges(caller.gid, ranges.gid),
    helpers: { uid, gid },
  };
}

function withRanges(own: number, ranges: ReadonlyArray<{ start: number; count: number }>): IdMapping[] {
  const maps: IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }];
  let next = 1;
  for (const { start, count } of ranges) {
    maps.push({ containerID: next, hostID: start, size: count });
    next += count;
  }
  return maps;
}

/** All ids that this process' own user namespace has, unchanged. */
export function identityMaps(): IdMaps {
  const own = (file: string) =>
    parseIdMap(readFileSync(file, 'utf8')).map(({ containerID, size }) => ({ containerID, hostID: containerID, size }));
  return { kind: 'identity', uid: own('/proc/self/uid_map'), gid: own('/proc/self/gid_map') };
}

/** The lines of /proc/PID/uid_map. */
export function parseIdMap(text: string): IdMapping[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });
}

/** Give the user namespace of `pid` its maps. */
export function writeIdMaps(pid: number, maps: IdMaps): void {
  beginIdMaps(pid, maps)();
}

/**
 * Begin to give the user namespace of `pid` its maps; the returned function waits until it has them. Both helpers run
 * side by side: they are much of the time of a start.
 */
export function beginIdMaps(pid: number, maps: IdMaps): () => void {
  if (maps.isJoined) return () => {};
  if (maps.helpers) {
    const running = [startHelper(maps.helpers.uid, pid, maps.uid), startHelper(maps.helpers.gid, pid, maps.gid)];
    return () => {
      for (const helper of running) helper();
    };
  }
  const text = (map: readonly IdMapping[]) =>
    map.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
  // Without CAP_SETGID over the parent namespace, gid_map may be written only once setgroups is off.
  if (maps.kind === 'single') writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  writeFileSync(`/proc/${pid}/uid_map`, text(maps.uid));
  writeFileSync(`/proc/${pid}/gid_map`, text(maps.gid));
  return () => {};
}

/** Run newuidmap or newgidmap; the returned function waits for it and throws if it failed. */
function startHelper(file: string, pid: number, map: readonly IdMapping[]): () => void {
  const args = [
    String(pid),
    ...map.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String)),
  ];
  const wait = spawnCommand({ file, args });
  return () => {
    const code = wait();
    if (code === 0) return;
    throw new CtrError('USERNS', `${file} ${args.join(' ')} failed with exit code ${code}`, {
      hint: 'the ranges in /etc/subuid and /etc/subgid must belong to this user, and newuidmap must be setuid root or have CAP_SETUID; see `ctr doctor`',
    });
  };
}
