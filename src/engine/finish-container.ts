/** What is done once after every run of a container, by whoever sees its end first; and what its policy says next. */
import { readFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { removeTreeNow } from '../base/remove-tree.ts';
import { isAlive } from '../linux/process-identity.ts';
import { readExit } from '../storage/container-exit.ts';
import { readLife, updateLife } from '../storage/container-life.ts';
import { type ContainerState, readState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer, readContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { recordContainerEvent } from './container-events.ts';
import { disconnectNetwork } from './container-network.ts';
import { deleteContainer } from './remove-container.ts';
import { type PlannedRestart, planRestart } from './restart-policy.ts';
import { requestIfWhole } from './stored-request.ts';

export interface Finished {
  /** Its policy wants it to be started again. */
  readonly restart?: PlannedRestart;
}

/**
 * Idempotent: a container that runs, or that somebody has finished already, is left alone. A descriptor of its user
 * namespace lets --rm delete the files in the background.
 */
export async function finishContainer(
  host: Host,
  container: Pick<ContainerRecord, 'id'>,
  userNamespace?: number,
): Promise<Finished> {
  using lock = lockContainer(host, container.id);
  const finished = await finishLocked(host, container.id, userNamespace);
  if (!readContainer(host, container.id)) lock.releaseAndRemove();
  return finished;
}

/** As finishContainer, for a caller that holds the container's lock. */
export async function finishLocked(host: Host, id: string, userNamespace?: number): Promise<Finished> {
  const state = readState(host, id);
  if (state === undefined || isAlive(state.init)) return {};
  const container = readContainer(host, id);
  const exitCode = readExit(host, id)?.exitCode ?? 137;
  if (container) recordContainerEvent(host, container, 'died', { exitCode });
  const oomKilled = wasOomKilled(state);
  if (state.cgroupPath !== undefined) (await import('../ns/cgroup.ts')).removeCgroup(state.cgroupPath);
  await disconnectNetwork(host, id);
  // Removing it ends what watches it (net/pasta.ts).
  removeTreeNow(layout.runContainer(host, id));
  if (!container) return {};
  const request = requestIfWhole(container);
  if (!request) return {};
  if (request.mounts.some(({ type }) => type === 'volume')) {
    await (await import('./volume-use.ts')).releaseVolumes(host, container.id, request.mounts);
  }
  if (request.remove) {
    await deleteContainer(host, id, userNamespace);
    if (request.removeImage && container.imageId !== undefined) await removeUnusedImage(host, container.imageId);
    return {};
  }
  const life = readLife(host, id);
  if (oomKilled || life.startedAt !== state.startedAt) updateLife(host, id, { startedAt: state.startedAt, oomKilled });
  const ranMs = Date.now() - Date.parse(state.startedAt);
  const restart = planRestart(request.restart, { ...life, exitCode, ranMs });
  return restart ? { restart } : {};
}

/** cgroup-v2 "memory.events". */
function wasOomKilled({ cgroupPath }: ContainerState): boolean {
  if (cgroupPath === undefined) return false;
  try {
    return /^oom_kill [1-9]/m.test(readFileSync(`${cgroupPath}/memory.events`, 'latin1'));
  } catch {
    return false; // No memory controller, or the cgroup is gone.
  }
}

/** podman-run(1) --rmi: the image stays when another container uses it. */
async function removeUnusedImage(host: Host, imageId: string): Promise<void> {
  const { removeImages } = await import('./image-remove.ts');
  await removeImages(host, [imageId], { force: false, ignore: true });
}
