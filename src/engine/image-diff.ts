/** `ctr image diff`: what an image's uppermost layer changes of the layers below it. */
import { openSync, readFile } from 'node:fs';
import { promisify } from 'node:util';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import type { Step } from '../ns/steps.ts';
import { array, literal, object, parseJson, string } from '../oci/check.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { resolveImage } from '../storage/image-store.ts';
import { layerDir, layerLink } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import { createStagingDirectory } from '../storage/staging.ts';
import type { Change } from './container-changes.ts';
import { type FilesPlace, startFilesWorker } from './container-files.ts';
import { bind, emptyRoot } from './container-trees.ts';
import { idMapsFor, ownerKindFor } from './user-namespace.ts';

const changes = array(object({ kind: literal('A', 'C', 'D'), path: string }));

/** Parents stand before what is in them. An image without layers has no changes. */
export async function diffImage(host: Host, nameOrId: string): Promise<Change[]> {
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  const { image } = resolveImage(host, nameOrId);
  const kind = ownerKindFor(idMapsFor(host));
  const keys = image.diffIds.map((diffId) => ({ diffId, kind })).reverse();
  const [top, ...below] = keys;
  if (top === undefined) return [];
  using staging = createStagingDirectory(host);
  const links = below.flatMap((key) => layerLink(host, key) ?? []);
  const place = treesOf(host, staging, { upper: layerDir(host, top), links });
  const [read, write] = pipe();
  const stdio = [openSync('/dev/null', 'r+'), write] as const;
  const { done } = await startFilesWorker(host, place, { op: 'diff', mountPoints: [] }, stdio);
  const [text] = await Promise.all([promisify(readFile)(read, 'utf8'), done]);
  return parseJson(text, 'answer of the worker', changes).map(({ kind: change, path }) => ({
    kind: change,
    path: Buffer.from(path, 'latin1').toString(),
  }));
}

interface Trees {
  readonly upper: string;
  /** Short names of the layers below, uppermost first. */
  readonly links: readonly string[];
}

/** `/upper` and `/lower`, as the worker wants them. */
function treesOf(
  host: Host,
  staging: { readonly path: string; readonly relativePath: string },
  { upper, links }: Trees,
): FilesPlace {
  const root = staging.path;
  // Without an upper directory overlay wants two lower ones.
  const empty = `../../${staging.relativePath}/empty`;
  const overlay: Step = {
    kind: 'overlay',
    cwd: layout.layerLinks(host),
    options: overlayOptions({ lower: [...links, empty] }),
    target: `${root}/lower`,
    layers: links.length,
  };
  const directories = ['upper', 'lower', 'empty'];
  const steps = [...emptyRoot(root, directories), bind(upper, `${root}/upper`), ...(links.length > 0 ? [overlay] : [])];
  return { kind: 'mounted', root, steps };
}
