/** `ctr cp`: between the host and containers. Both ends are workers with their own root; a pipe connects them. */
import { openSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import { type ContainerRecord, lockContainer, resolveContainer } from '../storage/container-store.ts';
import { type FilesOrder, type FilesPlace, isDevice, startFilesWorker } from './container-files.ts';
import { liveTree } from './container-trees.ts';
import { containerProcess } from './exec-process.ts';

export interface CopyRequest {
  readonly source: string;
  readonly destination: string;
  /** What is copied into a container gets its user's ids; otherwise it keeps those that it has there. */
  readonly archive: boolean;
  readonly overwrite: boolean;
  readonly followLink: boolean;
}

/** One side of a copy: `CONTAINER:PATH`, a path here, or `-` for a tar stream. */
export type CopyEnd =
  | { readonly kind: 'container'; readonly container: string; readonly path: string }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'stream' };

/** docker-cp(1): a path with a colon is written with a slash before it (`./a:b`). */
export function parseCopyEnd(text: string): CopyEnd {
  if (text === '-') return { kind: 'stream' };
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  if (colon <= 0 || (slash !== -1 && slash < colon)) return { kind: 'host', path: text };
  const path = text.slice(colon + 1);
  return { kind: 'container', container: text.slice(0, colon), path: path.startsWith('/') ? path : `/${path}` };
}

export async function copy(host: Host, request: CopyRequest): Promise<void> {
  const [from, to] = [parseCopyEnd(request.source), parseCopyEnd(request.destination)];
  if (from.kind !== 'container' && to.kind !== 'container') {
    throw new CtrError('USAGE', 'one of source and destination has to be CONTAINER:PATH');
  }
  if (from.kind === 'stream' && isDevice(0)) throw new CtrError('USAGE', 'refusing to read an archive from a terminal');
  if (to.kind === 'stream' && isDevice(1)) throw new CtrError('USAGE', 'refusing to write an archive to a terminal');
  const locks = new Locks(host);
  try {
    const packing = packOf(host, from, request, locks);
    const placing = placeOf(host, to, from, request, locks);
    const [read, write] = packing && placing ? pipe() : [0, 1];
    const nothing = () => openSync('/dev/null', 'r+');
    const workers = [
      ...(placing ? [await startFilesWorker(host, placing.place, placing.order, [read, nothing()])] : []),
      ...(packing ? [await startFilesWorker(host, packing.place, packing.order, [nothing(), write])] : []),
    ];
    const outcomes = await Promise.allSettled(workers.map(({ done }) => done));
    // The packer's failure explains a cut archive; the placer's a broken pipe.
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (reasons.length > 0) throw firstCause(reasons);
  } finally {
    locks.release();
  }
}

function firstCause(reasons: readonly unknown[]): unknown {
  const isEcho = (reason: unknown) =>
    reason instanceof Error && /EPIPE|truncated|end marker|is empty/.test(reason.message);
  return reasons.find((reason) => !isEcho(reason)) ?? reasons[0];
}

/** While the tree of a container that does not run is mounted here, it must not be started. */
class Locks {
  readonly #host: Host;
  readonly #held = new Map<string, Disposable>();

  constructor(host: Host) {
    this.#host = host;
  }

  tree(container: ContainerRecord): FilesPlace {
    const tree = liveTree(this.#host, container);
    if (tree.kind === 'running' || this.#held.has(container.id)) return tree;
    this.#held.set(container.id, lockContainer(this.#host, container.id));
    return liveTree(this.#host, container);
  }

  release(): void {
    for (const lock of this.#held.values()) lock[Symbol.dispose]();
  }
}

interface WorkerOrder {
  readonly place: FilesPlace;
  readonly order: FilesOrder;
}

/** `dir/.` and `.` mean what is in the directory. */
const isContent = (path: string) => /(^|\/)\.$/.test(path);

function packOf(host: Host, end: CopyEnd, request: CopyRequest, locks: Locks): WorkerOrder | undefined {
  if (end.kind === 'stream') return undefined;
  const order = { op: 'pack', follow: request.followLink, contentOnly: isContent(end.path) } as const;
  if (end.kind === 'container') {
    const container = resolveContainer(host, end.container);
    return { place: locks.tree(container), order: { ...order, path: end.path } };
  }
  const path = resolve(end.path);
  if (!statSync(path, { throwIfNoEntry: false }) && request.followLink) throw notFound(end.path);
  if (order.contentOnly || path === '/') {
    return { place: { kind: 'host', root: real(path) }, order: { ...order, path: '/', contentOnly: true } };
  }
  // A link is followed here, where all of the host is in sight: the worker sees one directory only.
  const follow = request.followLink || end.path.endsWith('/');
  const whole = follow ? real(path) : `${real(dirname(path))}/${basename(path)}`;
  const name = `/${basename(whole)}${end.path.endsWith('/') ? '/' : ''}`;
  return { place: { kind: 'host', root: dirname(whole) }, order: { ...order, follow: false, path: name } };
}

function placeOf(host: Host, end: CopyEnd, from: CopyEnd, request: CopyRequest, locks: Locks): WorkerOrder | undefined {
  if (end.kind === 'stream') return undefined;
  const order = { op: 'place', isArchive: from.kind === 'stream', overwrite: request.overwrite } as const;
  if (end.kind === 'container') {
    const container = resolveContainer(host, end.container);
    const owner = request.archive && from.kind !== 'stream' ? { owner: userOf(host, container) } : {};
    return { place: locks.tree(container), order: { ...order, ...owner, path: end.path } };
  }
  const owner = { uid: 0, gid: 0 }; // the caller, in the worker's user namespace
  const path = resolve(end.path);
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing?.isDirectory())
    return { place: { kind: 'host', root: real(path) }, order: { ...order, owner, path: '/' } };
  const whole = existing ? real(path) : `${real(dirname(path))}/${basename(path)}`;
  const name = `/${basename(whole)}${/\/$/.test(end.path) ? '/' : ''}`;
  return { place: { kind: 'host', root: dirname(whole) }, order: { ...order, owner, path: name } };
}

/** Of a container that never ran the user is not known yet: root's. */
function userOf(host: Host, { id }: ContainerRecord): { uid: number; gid: number } {
  try {
    const { uid, gid } = containerProcess(host, id).user;
    return { uid, gid };
  } catch (error) {
    if (error instanceof CtrError && error.code === 'STATE') return { uid: 0, gid: 0 };
    throw error;
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw notFound(path);
  }
}

const notFound = (path: string) => new CtrError('NOT_FOUND', `${path} could not be found on the host`);
