/**
 * Why a container cannot use a directory of the host's: who owns it on disk, how that looks inside, and the flag that
 * helps. The most frequent question of rootless users, answered where it comes up.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import type { IdMapping } from '../oci/runtime.ts';
import type { RunRequest } from './run-request.ts';

/** Facts about one path, as doctor and errors print them: one line, and what to do. */
export interface BindExplanation {
  readonly line: string;
  readonly hint: string;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The id that a host id has inside, or undefined: there it is nobody (65534). */
export function insideId(id: number, mappings: readonly IdMapping[]): number | undefined {
  const map = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return map && id - map.hostID + map.containerID;
}

/** `caller` is the user's own uid: what belongs to it is root's inside. */
export function explainOwner(path: string, owner: Owner, maps: Pick<IdMaps, 'uid' | 'gid'>, caller: number) {
  const [uid, gid] = [insideId(owner.uid, maps.uid), insideId(owner.gid, maps.gid)];
  const shown = `${uid ?? 'nobody'}:${gid ?? 'nobody'}`;
  const mode = (owner.mode & 0o7777).toString(8).padStart(4, '0');
  return {
    line: `${path} belongs to ${owner.uid}:${owner.gid} on this host, mode ${mode}; in the container to ${shown}`,
    hint: hintFor(path, owner, uid, caller),
  } satisfies BindExplanation;
}

function hintFor(path: string, owner: Owner, inside: number | undefined, caller: number): string {
  if (inside === undefined) {
    return `another user's: the container sees nobody's files. Ask its owner for a group you are in (--group-add keep-groups), or copy it`;
  }
  if (owner.uid === caller && inside === 0) {
    return `it is root's in the container: let its user be you there (-v ${path}:…:me), run as root (-u 0) or as yourself (--userns keep-id), or give it away (-v ${path}:…:U)`;
  }
  if (owner.uid === caller) return `run as user ${inside} there (-u ${inside}), who is you`;
  return `it belongs to a subordinate id, left by a container: \`ctr unshare chown -R 0:0 ${path}\` makes it yours again`;
}

/** The first bind mount of `request` that this user cannot reach or use, explained; undefined when all are fine. */
export function explainBinds(host: Host, request: RunRequest, maps: IdMaps): BindExplanation | undefined {
  for (const { type, source } of request.mounts) {
    const path = type === 'bind' && source !== undefined ? firstClosed(source) : undefined;
    if (path !== undefined) return explainOwner(path, statSync(path), maps, host.uid);
  }
  return undefined;
}

/** A user inside, by the ids there. */
export interface InsideUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** What of `rwx` the mode refuses to `user` (path_resolution(7)); root may all that is not nobody's (capabilities(7)). */
export function refusedTo(user: InsideUser, owner: Owner, maps: Pick<IdMaps, 'uid' | 'gid'>, wanted: number): number {
  const [uid, gid] = [insideId(owner.uid, maps.uid), insideId(owner.gid, maps.gid)];
  if (user.uid === 0 && uid !== undefined && gid !== undefined) return 0;
  const inGroup = gid !== undefined && (gid === user.gid || user.additionalGids.includes(gid));
  const shift = uid === user.uid ? 6 : inGroup ? 3 : 0;
  return wanted & ~(owner.mode >> shift);
}

/**
 * After a command that failed: the first bind mount that its user could not use, explained; undefined when all could be.
 * Only the mount's own mode and owner are looked at: what lies in it has others.
 */
export function explainUse(
  host: Host,
  mounts: RunRequest['mounts'],
  user: InsideUser,
  maps: IdMaps,
): BindExplanation | undefined {
  for (const { type, source, target, readOnly, options } of mounts) {
    const stat = type === 'bind' && source !== undefined ? statSync(source, { throwIfNoEntry: false }) : undefined;
    if (source === undefined || stat === undefined || options.includes('O')) continue;
    const wanted = 0o4 | (readOnly ? 0 : 0o2) | (stat.isDirectory() ? 0o1 : 0);
    const refused = refusedTo(user, stat, maps, wanted);
    if (refused === 0) continue;
    const verb = refused & 0o5 ? 'read' : 'write to';
    const { line, hint } = explainOwner(source, stat, maps, host.uid);
    return { line: `user ${user.uid}:${user.gid} of the container may not ${verb} ${target}: ${line}`, hint };
  }
  return undefined;
}

/** The directory on the way to `path`, or `path` itself, that refuses this process. */
function firstClosed(path: string): string | undefined {
  const above = dirname(path);
  const closed = above === path ? undefined : firstClosed(above);
  if (closed !== undefined) return closed;
  try {
    accessSync(path, statSync(path).isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'EACCES' ? path : undefined;
  }
}

/** A start that failed, with the explanation of the mount that is to blame, if one is. */
export function withBindExplanation(error: unknown, host: Host, request: RunRequest, maps: IdMaps): unknown {
  const blamed = error instanceof CtrError && error.code === 'START' && /(EACCES|EPERM)/.test(String(error.cause));
  const explanation = blamed ? explainBinds(host, request, maps) : undefined;
  if (!blamed || explanation === undefined) return error;
  return new CtrError('START', `${error.message}: ${explanation.line}`, { cause: error.cause, hint: explanation.hint });
}
