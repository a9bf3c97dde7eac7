/** Delete a container with everything that is its own. */
import { rmSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, readContainer, removeContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { recordContainerEvent } from './container-events.ts';
import { removeTreeInside } from './user-namespace.ts';

/** The container must not be running. Removing its runtime directory ends what watches it (net/pasta.ts). Idempotent. */
export async function deleteContainer(host: Host, id: string): Promise<void> {
  const container = readIfWhole(host, id);
  rmSync(layout.runContainer(host, id), { recursive: true, force: true });
  await removeContainer(host, id, (path) => removeTreeInside(host, path));
  if (container) recordContainerEvent(host, container, 'remove');
}

/** A broken record must not keep a container from being removed. */
function readIfWhole(host: Host, id: string): ContainerRecord | undefined {
  try {
    return readContainer(host, id);
  } catch {
    return undefined;
  }
}
