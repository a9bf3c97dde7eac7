/** `ctr rename`. */
import type { Host } from '../base/host.ts';
import { lockContainer, renameContainer, resolveContainer } from '../storage/container-store.ts';
import { recordContainerEvent } from './container-events.ts';

export function renameExisting(host: Host, nameOrId: string, name: string): void {
  const { id } = resolveContainer(host, nameOrId);
  using _lock = lockContainer(host, id);
  recordContainerEvent(host, renameContainer(host, resolveContainer(host, id), name), 'rename');
}
