/**
 * Containers on disk: `containers/<id>/` and the name that points to it, `names/<name>` → id (a symlink, because
 * making one is atomic and exclusive). There is no list to keep: the directory is the list, and reading takes no
 * lock. A directory without container.json is half-made: no command sees it, and gc.ts deletes it once nobody
 * holds its lock.
 */
import { mkdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, withSpaceHint, writeJsonFile } from '../base/json-file.ts';
import { randomHex } from '../base/random.ts';
import { removeTreeNow } from '../base/remove-tree.ts';
import { array, type Check, literal, object, optional, parsed, record, string, unknown } from '../oci/check.ts';
import { digest } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { randomContainerName } from './container-names.ts';
import type { StorageDriver } from './drivers/driver.ts';
import { layout, type OwnerKind, parseOwnerKind } from './layout.ts';
import { type Lock, lockNow, lockOf } from './lock.ts';
import { ensureDataRoot, namesIn } from './roots.ts';
import { discardTree, discardTreeLater, type RemoveTree } from './staging.ts';

export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Absent with --rootfs. */
  readonly imageId?: Digest;
  /** As the user named it, made canonical. */
  readonly imageName?: string;
  /** What runs, with the entrypoint. */
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The layers below the container's own directory, lowest first; gc.ts keeps them. */
  readonly diffIds: readonly Digest[];
  readonly ownerKind: OwnerKind;
  readonly driver: StorageDriver;
  /** What the engine needs to start it again; only the engine knows its shape. */
  readonly request: unknown;
}

const containerRecord: Check<ContainerRecord> = object({
  id: string,
  name: string,
  createdAt: string,
  imageId: optional(digest),
  imageName: optional(string),
  command: array(string),
  labels: record(string),
  diffIds: array(digest),
  ownerKind: parsed(parseOwnerKind),
  driver: literal('overlay', 'fuse-overlayfs', 'vfs'),
  request: unknown,
});

/** A container being made. Disposing it before commit deletes everything; afterwards it only unlocks. */
export interface NewContainer extends Disposable {
  readonly id: string;
  readonly name: string;
  /** Private directory, empty. */
  readonly directory: string;
  /** Write container.json: from now on the container exists. */
  commit(record: Omit<ContainerRecord, 'id' | 'name'>): ContainerRecord;
}

/** Choose an ID and claim a name (a random one when undefined). The container's lock is held until it is disposed. */
export function allocateContainer(host: Host, wantedName?: string): NewContainer {
  if (wantedName !== undefined) checkName(wantedName);
  ensureDataRoot(host);
  const id = randomHex(32);
  const lock = lockContainer(host, id);
  const directory = layout.container(host, id);
  let isCommitted = false;
  const dispose = () => {
    if (isCommitted) return lock.release();
    removeTreeNow(directory);
    releaseNames(host, id);
    lock.releaseAndRemove();
  };
  try {
    mkdirSync(directory, { mode: 0o700 });
    const name = wantedName === undefined ? claimRandomName(host, id) : claimName(host, wantedName, id);
    const commit: NewContainer['commit'] = (details) => {
      const container: ContainerRecord = { ...details, id, name };
      writeRecord(host, container);
      isCommitted = true;
      return container;
    };
    return { id, name, directory, commit, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw withSpaceHint(error, host.dataRoot);
  }
}

/** Held while a container is made, started, stopped or removed; for moments only. */
export function lockContainer(host: Host, id: string): Lock {
  return lockNow(lockOf(host, 'container', id));
}

/** Undefined when there is no such container (any more). */
export function readContainer(host: Host, id: string): ContainerRecord | undefined {
  const path = recordPath(host, id);
  const value = readJsonFile(path);
  return value === undefined ? undefined : containerRecord(value, path);
}

export interface ContainerList {
  /** Newest first. */
  readonly containers: readonly ContainerRecord[];
  /** Containers whose record cannot be read: they hinder nobody else's row. */
  readonly broken: ReadonlyArray<{ readonly id: string; readonly reason: string }>;
}

export function listContainers(host: Host): ContainerList {
  const containers: ContainerRecord[] = [];
  const broken: Array<{ id: string; reason: string }> = [];
  for (const id of containerIds(host)) {
    try {
      const container = readContainer(host, id);
      if (container) containers.push(container);
    } catch (error) {
      broken.push({ id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  containers.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  return { containers, broken };
}

/** All directories, also half-made and broken ones. */
export function containerIds(host: Host): string[] {
  return namesIn(layout.containers(host)).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

/** By name, ID, or the beginning of one ID; throws NOT_FOUND, or INVALID when several IDs begin so. */
export function resolveContainer(host: Host, nameOrId: string): ContainerRecord {
  const id = findContainerId(host, nameOrId);
  const container = id === undefined ? undefined : readContainer(host, id);
  if (container) return container;
  throw new CtrError('NOT_FOUND', `no container with name or ID "${nameOrId}" found: no such container`, {
    hint: '`ctr ps -a` lists all containers',
  });
}

/** As resolveContainer, without reading the record: finds broken containers too. */
export function findContainerId(host: Host, nameOrId: string): string | undefined {
  const named = ownerOfName(host, nameOrId);
  if (named !== undefined) return named;
  if (!/^[0-9a-f]{1,64}$/.test(nameOrId)) return undefined;
  const hits = containerIds(host).filter((id) => id.startsWith(nameOrId));
  if (hits.length > 1) {
    throw new CtrError('INVALID', `${nameOrId} is the beginning of ${hits.length} container IDs`, {
      hint: `give more digits: ${hits.map((id) => id.slice(0, nameOrId.length + 6)).join(', ')}`,
    });
  }
  return hits[0];
}

/** Replace what a container was asked to be; the caller holds its lock. */
export function replaceRequest(host: Host, container: ContainerRecord, request: unknown): ContainerRecord {
  const changed = { ...container, request };
  writeRecord(host, changed);
  return changed;
}

/** Give a container another name; the caller holds its lock. */
export function renameContainer(host: Host, container: ContainerRecord, name: string): ContainerRecord {
  checkName(name);
  claimName(host, name, container.id);
  const renamed = { ...container, name };
  writeRecord(host, renamed);
  if (container.name !== name) removeTreeNow(layout.name(host, container.name));
  return renamed;
}

/**
 * Delete a stopped container; the caller holds its lock. It is gone for everybody at the first rename. False when
 * files of subordinate ids wait in tmp/ for a removeTree.
 */
export async function removeContainer(host: Host, id: string, removeTree?: RemoveTree): Promise<boolean> {
  const name = nameOf(host, id);
  const isDeleted = await discardTree(host, layout.container(host, id), removeTree);
  forgetContainer(host, id, name);
  return isDeleted;
}

/** As removeContainer, without waiting for the files (discardTreeLater). */
export function removeContainerLater(host: Host, id: string, begin: (paths: readonly string[]) => void): void {
  const name = nameOf(host, id);
  discardTreeLater(host, layout.container(host, id), begin);
  forgetContainer(host, id, name);
}

/** The name goes after the directory: whoever claims it in between finds it stale and takes it over. */
function forgetContainer(host: Host, id: string, name: string | undefined): void {
  if (name !== undefined && readOwner(host, name) === id) removeTreeNow(layout.name(host, name));
  removeTreeNow(layout.runContainer(host, id));
}

function nameOf(host: Host, id: string): string | undefined {
  try {
    return readContainer(host, id)?.name;
  } catch {
    // A broken record must not keep a container from being removed; its name is stale then.
    return undefined;
  }
}

/** The grammar of Podman and Docker. */
function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
  throw new CtrError('INVALID', `invalid container name ${JSON.stringify(name)}`, {
    hint: 'names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*',
  });
}

function claimRandomName(host: Host, id: string): string {
  for (let attempt = 0; ; attempt++) {
    try {
      return claimName(host, randomContainerName(attempt), id);
    } catch (error) {
      if (!(error instanceof CtrError && error.code === 'EXISTS')) throw error;
    }
  }
}

function claimName(host: Host, name: string, id: string): string {
  for (;;) {
    try {
      symlinkSync(id, layout.name(host, name));
      return name;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    const owner = ownerOfName(host, name);
    if (owner === id) return name;
    if (owner !== undefined) {
      throw new CtrError('EXISTS', `the container name "${name}" is already in use by ${owner}`, {
        hint: `remove or rename that container, or choose another name: \`ctr rm ${name}\``,
      });
    }
    removeStaleName(host, name);
  }
}

/** Under a lock: between the look and the deletion somebody else may have taken the name over. */
function removeStaleName(host: Host, name: string): void {
  using _lock = lockNow(lockOf(host, 'container', `name:${name}`));
  if (ownerOfName(host, name) === undefined) removeTreeNow(layout.name(host, name));
}

function releaseNames(host: Host, id: string): void {
  for (const file of namesIn(layout.names(host))) {
    const path = `${layout.names(host)}/${file}`;
    if (readLink(path) === id) removeTreeNow(path);
  }
}

/** The container that has this name, if its directory exists. */
function ownerOfName(host: Host, name: string): string | undefined {
  const id = readOwner(host, name);
  if (id === undefined || !/^[0-9a-f]{64}$/.test(id)) return undefined;
  return statSync(layout.container(host, id), { throwIfNoEntry: false }) ? id : undefined;
}

const readOwner = (host: Host, name: string) => readLink(layout.name(host, name));

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const recordPath = (host: Host, id: string) => `${layout.container(host, id)}/container.json`;

const writeRecord = (host: Host, container: ContainerRecord) =>
  writeJsonFile(recordPath(host, container.id), container, { mode: 0o600 });
