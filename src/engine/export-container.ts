/** `ctr export`: a container's root file system as one archive, without volumes. */
import { openSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { startFilesWorker } from './container-files.ts';
import { layerTrees } from './container-trees.ts';

/** `output` is closed, unless it is ctr's own stdout. */
export async function exportContainer(host: Host, container: ContainerRecord, output: number): Promise<void> {
  const stdio = [openSync('/dev/null', 'r+'), output] as const;
  const { done } = await startFilesWorker(host, layerTrees(host, container), { op: 'flatten' }, stdio);
  await done;
}
