/** Delete a container with everything that is its own. */
import type { Host } from '../base/host.ts';
import { removeTreeNow } from '../base/remove-tree.ts';
import { removeInBackground } from '../ns/background-removal.ts';
import {
  type ContainerRecord,
  readContainer,
  removeContainer,
  removeContainerLater,
} from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { recordContainerEvent } from './container-events.ts';
import { requestIfWhole } from './stored-request.ts';
import { findExecutable, removeTreeInside } from './user-namespace.ts';

/**
 * The container must not be running. Removing its runtime directory ends what watches it (net/pasta.ts). With a
 * descriptor of its user namespace the files are deleted in the background. Idempotent.
 */
export async function deleteContainer(host: Host, id: string, userNamespace?: number): Promise<void> {
  const container = readIfWhole(host, id);
  removeTreeNow(layout.runContainer(host, id));
  const rm = userNamespace === undefined ? undefined : findExecutable(host, 'rm');
  if (userNamespace !== undefined && rm !== undefined) {
    removeContainerLater(host, id, (paths) => removeInBackground(rm, paths, userNamespace));
  } else await removeContainer(host, id, (path) => removeTreeInside(host, path));
  if (!container) return;
  recordContainerEvent(host, container, 'remove');
  await removeTakenAlong(host, container);
}

/** podman-run(1) --rm: "and its anonymous volumes". */
async function removeTakenAlong(host: Host, container: ContainerRecord): Promise<void> {
  const { remove, mounts = [] } = requestIfWhole(container) ?? {};
  if (!remove || !mounts.some(({ type }) => type === 'volume')) return;
  const { removeAnonymousVolumes } = await import('./volume-use.ts');
  await removeAnonymousVolumes(host, mounts);
}

/** A broken record must not keep a container from being removed. */
export function readIfWhole(host: Host, id: string): ContainerRecord | undefined {
  try {
    return readContainer(host, id);
  } catch {
    return undefined;
  }
}
