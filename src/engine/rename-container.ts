/** `ctr rename`; a container that runs is found by its new name on its networks at once. */
import { existsSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { lockContainer, renameContainer, resolveContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { recordContainerEvent } from './container-events.ts';

export async function renameExisting(host: Host, nameOrId: string, name: string): Promise<void> {
  const { id } = resolveContainer(host, nameOrId);
  using _lock = lockContainer(host, id);
  const before = resolveContainer(host, id);
  recordContainerEvent(host, renameContainer(host, before, name), 'rename');
  if (!existsSync(layout.networksOf(host, id))) return;
  const { tellRename } = await import('./bridge-network.ts');
  await tellRename(host, id, before.name, name);
}
