/** `ctr diff`: what a container changed in its file system. */
import { openSync, readFile } from 'node:fs';
import { promisify } from 'node:util';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import { array, literal, object, parseJson, string } from '../oci/check.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import type { Change } from './container-changes.ts';
import { startFilesWorker } from './container-files.ts';
import { layerTrees, mountPointsOf, requireUpper } from './container-trees.ts';

const changes = array(object({ kind: literal('A', 'C', 'D'), path: string }));

/** Parents stand before what is in them; paths are text here, as well as they can be. */
export async function diffContainer(host: Host, container: ContainerRecord): Promise<Change[]> {
  requireUpper(container, 'diff');
  const [read, write] = pipe();
  const order = { op: 'diff', mountPoints: mountPointsOf(host, container.id) } as const;
  const stdio = [openSync('/dev/null', 'r+'), write] as const;
  const { done } = await startFilesWorker(host, layerTrees(host, container), order, stdio);
  const [text] = await Promise.all([promisify(readFile)(read, 'utf8'), done]);
  return parseJson(text, 'answer of the worker', changes).map(({ kind, path }) => ({
    kind,
    path: Buffer.from(path, 'latin1').toString(),
  }));
}
