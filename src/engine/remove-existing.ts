/** `ctr rm`, `ctr container prune`: whether a container may go, what goes with it. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, lockContainer, readContainer, resolveContainer } from '../storage/container-store.ts';
import { type ContainerEntry, listContainerEntries } from './container-list.ts';
import { isRunning, readStatus } from './container-status.ts';
import { finishLocked } from './finish-container.ts';
import { signalContainer } from './kill-container.ts';
import { deleteContainer, readIfWhole } from './remove-container.ts';
import { type StopOptions, stopContainer } from './stop-container.ts';
import { requestIfWhole } from './stored-request.ts';
import { untilEnded } from './wait-container.ts';

export interface RemoveOptions extends StopOptions {
  /** One that runs is stopped first; a broken one goes without a question. */
  readonly force: boolean;
  /** Containers that require it, or use its network, go first. */
  readonly withDependants: boolean;
  /** Its anonymous volumes go too. */
  readonly volumes: boolean;
}

/** Returns the IDs of what was removed: the container last, what depends on it before. */
export async function removeExisting(host: Host, id: string, options: RemoveOptions): Promise<string[]> {
  const dependants = dependantsOf(host, id);
  if (dependants.length > 0 && !options.withDependants) {
    const names = dependants.map(({ container }) => container.name).join(', ');
    throw new CtrError('IN_USE', `container ${id.slice(0, 12)} has dependent containers: ${names}`, {
      hint: 'remove those first, or give --depend to remove all of them',
    });
  }
  const removed: string[] = [];
  for (const { container } of dependants) {
    if (readContainer(host, container.id)) removed.push(...(await removeExisting(host, container.id, options)));
  }
  await endFirst(host, id, options);
  await removeEnded(host, id, options.volumes);
  return [...removed, id];
}

/** podman-rm(1): exit code 2 for a container that runs or is paused. */
async function endFirst(host: Host, id: string, options: RemoveOptions): Promise<void> {
  const status = readStatus(host, id);
  if (!isRunning(status)) return;
  if (!options.force) {
    throw new CtrError('STATE', `container ${id.slice(0, 12)} is ${status.name}: it cannot be removed`, {
      exitCode: 2,
      hint: 'stop it first, or give --force',
    });
  }
  const container = readIfWhole(host, id);
  if (container) return stopContainer(host, container, options);
  const sigkill = 9;
  signalContainer(host, id, sigkill);
  await untilEnded(host, id);
}

async function removeEnded(host: Host, id: string, volumes: boolean): Promise<void> {
  using lock = lockContainer(host, id);
  const container = readIfWhole(host, id);
  if (container) await finishLocked(host, id);
  if (isRunning(readStatus(host, id))) {
    throw new CtrError('STATE', `container ${id.slice(0, 12)} was started meanwhile: it is not removed`, {
      exitCode: 2,
    });
  }
  await deleteContainer(host, id);
  if (volumes && container) await removeItsVolumes(host, container);
  lock.releaseAndRemove();
}

async function removeItsVolumes(host: Host, container: ContainerRecord): Promise<void> {
  const { removeAnonymousVolumes } = await import('./volume-use.ts');
  await removeAnonymousVolumes(host, requestIfWhole(container)?.mounts ?? []);
}

/** Broken containers are left out: nobody can tell what they need. */
function dependantsOf(host: Host, id: string): ContainerEntry[] {
  return listContainerEntries(host, { all: true }).entries.filter((entry) => needs(host, entry, id));
}

function needs(host: Host, { container }: ContainerEntry, id: string): boolean {
  const request = container.id === id ? undefined : requestIfWhole(container);
  if (!request) return false;
  const { network } = request;
  const names = [...request.requires, ...(network.mode === 'container' ? [network.container] : [])];
  return names.some((name) => idOf(host, name) === id);
}

function idOf(host: Host, name: string): string | undefined {
  try {
    return resolveContainer(host, name).id;
  } catch {
    return undefined; // It was removed by force.
  }
}
