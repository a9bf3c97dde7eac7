/** Delete a container with everything that is its own. */
import { rmSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { removeContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { removeTreeInside } from './user-namespace.ts';

/** The container must not be running. Removing its runtime directory ends what watches it (net/pasta.ts). Idempotent. */
export async function deleteContainer(host: Host, id: string): Promise<void> {
  rmSync(layout.runContainer(host, id), { recursive: true, force: true });
  await removeContainer(host, id, (path) => removeTreeInside(host, path));
}
