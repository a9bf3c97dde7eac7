import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, listContainers } from '../storage/container-store.ts';

/** What `--latest` means: the container that was made last, whether it runs or not. */
export function newestContainer(host: Host): ContainerRecord {
  const [newest] = listContainers(host).containers;
  if (newest) return newest;
  throw new CtrError('NOT_FOUND', 'there is no container');
}
