/** Start container-files-worker.ts where a tree can be worked on, and wait for it. */
import { closeSync, fstatSync, readFile } from 'node:fs';
import { promisify } from 'node:util';
import { CtrError } from '../base/ctr-error.ts';
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { restoreError } from '../image/layer/unpack-protocol.ts';
import { capabilityNames, lastCapability } from '../linux/capabilities.ts';
import { pipe } from '../linux/descriptors.ts';
import type { ProcessIdentity } from '../linux/process-identity.ts';
import { type IdMaps, identityMaps } from '../ns/id-maps.ts';
import { startInside } from '../ns/inside.ts';
import { joinContainer } from '../ns/join.ts';
import type { Step } from '../ns/steps.ts';
import { integer, object, optional, parseJson, string } from '../oci/check.ts';
import { type FilesJob, filesJobDefaults } from './container-files-job.ts';
import { hasCaller, mapsOf, withCaller } from './container-ids.ts';
import { endOfChild } from './signal-proxy.ts';
import { idMapsFor } from './user-namespace.ts';

export type FilesPlace =
  /** A directory of the caller's. */
  | { readonly kind: 'host'; readonly root: string }
  /** All that a running container sees, its volumes too. */
  | { readonly kind: 'running'; readonly init: ProcessIdentity }
  /** Mounted for the worker alone. */
  | {
      readonly kind: 'mounted';
      readonly steps: readonly Step[];
      readonly root: string;
      /** Whose numbers the owners are; the user's usual ones when absent. */
      readonly maps?: IdMaps | undefined;
    };

export type FilesOrder = Pick<FilesJob, 'op'> & Partial<Omit<FilesJob, 'op' | 'root' | 'isSingle' | 'isHost'>>;

export interface FilesWorker {
  /** Rejects with what the worker says. */
  readonly done: Promise<void>;
}

/** `stdin` and `stdout` are closed here once the worker has them, unless they are the caller's own 0 and 1. */
export async function startFilesWorker(
  host: Host,
  place: FilesPlace,
  order: FilesOrder,
  [stdin, stdout]: readonly [number, number],
): Promise<FilesWorker> {
  const [report, reportIn] = pipe();
  try {
    const maps = mapsFor(host, place);
    const root = place.kind === 'running' ? `/proc/${place.init.pid}/root` : place.root;
    const isSingle = idMapsFor(host).kind === 'single' || maps.kind === 'single';
    const job = { ...filesJobDefaults, ...order, root, isSingle, isHost: place.kind === 'host' };
    const end = await start(host, place, maps, job, [stdin, stdout, reportIn]);
    return { done: finished(report, end) };
  } catch (error) {
    closeSync(report);
    throw error;
  } finally {
    for (const fd of new Set([reportIn, stdin, stdout])) if (fd > 2) closeSync(fd);
  }
}

async function start(
  host: Host,
  place: FilesPlace,
  maps: IdMaps,
  job: FilesJob,
  stdio: readonly [number, number, number],
): Promise<() => number | Promise<number>> {
  const env = ['HOME', 'XDG_CACHE_HOME'].flatMap((name) => (host.env[name] ? [`${name}=${host.env[name]}`] : []));
  const exec: Step[] = [
    { kind: 'reset-signals' },
    { kind: 'close-descriptors', preserve: 0 },
    { kind: 'exec', args: ownProgram('files-worker', JSON.stringify(job)), env },
  ];
  if (place.kind === 'running') {
    const become = becomeRoot(host, place.init.pid, maps);
    const { pid } = joinContainer({ init: place.init, namespaces: 'user', steps: [become, ...exec], stdio });
    return () => endOfChild(pid);
  }
  const inside = await startInside({ maps, stdio, steps: [...(place.kind === 'mounted' ? place.steps : []), ...exec] });
  return () => inside.wait();
}

function mapsFor(host: Host, place: FilesPlace): IdMaps {
  if (place.kind === 'host') return callerMaps(host);
  return place.kind === 'mounted' && place.maps ? withCaller(place.maps, host) : idMapsFor(host);
}

/** Where the caller has no id, root cannot read the caller's ctr: the worker takes root once it is loaded. */
function becomeRoot(host: Host, pid: number, maps: IdMaps): Step {
  if (hasCaller(mapsOf(pid, maps), host)) return { kind: 'become-root', clearGroups: maps.kind !== 'single' };
  const all = capabilityNames.slice(0, lastCapability() + 1);
  const sets = { bounding: all, effective: all, permitted: all, inheritable: all, ambient: all };
  return { kind: 'capabilities', sets };
}

/** Of the caller's files the caller alone matters: groups stay, and no helper has to write the maps. */
function callerMaps(host: Host): IdMaps {
  if (host.uid === 0) return identityMaps();
  return {
    kind: 'single',
    uid: [{ containerID: 0, hostID: host.uid, size: 1 }],
    gid: [{ containerID: 0, hostID: host.gid, size: 1 }],
  };
}

const failure = object({ code: string, message: string, hint: optional(string), exitCode: integer });

async function finished(report: number, end: () => number | Promise<number>): Promise<void> {
  const text = await promisify(readFile)(report, 'utf8');
  closeSync(report);
  const code = await end();
  if (code === 0) return;
  const line = text.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new CtrError('INTERNAL', `the worker ended with ${code}: ${line}`);
  throw restoreError(parseJson(line, 'answer of the worker', failure));
}

/** Whether a descriptor is a terminal or another device: archives do not belong there. */
export const isDevice = (fd: number) => fstatSync(fd).isCharacterDevice() && fstatSync(fd).rdev >> 8 !== 1;
