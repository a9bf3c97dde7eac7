/**
 * Namespaces that a container shares (`--pid container:ID`, `--network container:ID`, `ns:PATH`). They belong to a user
 * namespace, and only processes in it have rights over them: so the container joins that one too (setns(2),
 * user_namespaces(7) "Interaction of user namespaces and other types of namespaces").
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readRunningState } from '../storage/container-state.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { OwnerKind } from '../storage/layout.ts';
import type { RunRequest } from './run-request.ts';
import type { HostFacts } from './runtime-spec/facts.ts';
import type { NamespaceMode } from './sandbox-request.ts';

type Sharing = Pick<RunRequest, 'userns' | 'namespaces' | 'network'>;

export interface JoinedContainer {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  readonly ownerKind: OwnerKind;
}

/** The running container whose user namespace is joined; two different ones cannot be. */
export function joinedContainer(host: Host, request: Sharing): JoinedContainer | undefined {
  const names = [request.userns, request.network, ...Object.values(request.namespaces ?? {})].flatMap((one) =>
    one?.mode === 'container' ? [one.container] : [],
  );
  const [first, ...others] = names.map((name) => resolveContainer(host, name));
  if (first === undefined) return undefined;
  const other = others.find(({ id }) => id !== first.id);
  if (other) {
    throw new CtrError('UNSUPPORTED', `the namespaces of ${first.name} and ${other.name} cannot both be joined`, {
      hint: 'each belongs to a user namespace of its own; start one of them with the other’s as well',
    });
  }
  const state = readRunningState(host, first.id);
  if (!state) throw new CtrError('STATE', `container ${first.name} is not running: its namespaces cannot be joined`);
  return { id: first.id, name: first.name, pid: state.init.pid, ownerKind: first.ownerKind };
}

type Paths = NonNullable<HostFacts['namespacePaths']>;

/** Where the namespaces are that are joined; those that are made or kept are absent. */
export function namespacePaths(host: Host, request: Sharing): Paths {
  const joined = joinedContainer(host, request);
  const { pid, ipc, uts, cgroup } = request.namespaces ?? {};
  const { network } = request;
  const pathOf = (
    mode: NamespaceMode | { mode: 'ns'; path: string } | { mode: 'container' } | undefined,
    file: string,
  ) => {
    if (mode?.mode === 'ns') return mode.path;
    return mode?.mode === 'container' && joined ? `/proc/${joined.pid}/ns/${file}` : undefined;
  };
  const shared = network.mode === 'container' || network.mode === 'ns' ? network : undefined;
  const paths = {
    pid: pathOf(pid, 'pid'),
    ipc: pathOf(ipc, 'ipc'),
    uts: pathOf(uts, 'uts'),
    cgroup: pathOf(cgroup, 'cgroup'),
    network: pathOf(shared, 'net'),
  };
  const mount = ipc?.mode === 'container' && joined ? `/proc/${joined.pid}/ns/mnt` : undefined;
  const user = joined ? `/proc/${joined.pid}/ns/user` : ownerOf(Object.values(paths));
  const all: Record<string, string | undefined> = { ...paths, user, sharedMemory: mount };
  return Object.fromEntries(Object.entries(all).filter(([, path]) => path !== undefined));
}

/** A namespace of a process belongs to that process' user namespace or to one above it, which cannot be joined. */
function ownerOf(paths: ReadonlyArray<string | undefined>): string | undefined {
  const process = paths
    .map((path) => /^(\/proc\/\d+)\/ns\/\w+$/.exec(path ?? '')?.[1])
    .find((one) => one !== undefined);
  return process === undefined ? undefined : `${process}/ns/user`;
}
