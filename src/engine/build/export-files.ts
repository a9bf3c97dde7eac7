/** `--output type=local|tar`: the files of the finished stage, without an image around them. */
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { BuildOutput } from './build-request.ts';
import type { Build, Finished } from './build-state.ts';
import { layersBelow } from './new-layer.ts';
import type { CopyOrder } from './worker-orders.ts';

/** Of several platforms each has a directory of its own: `linux_arm64/`. */
export async function exportFiles(
  finished: readonly Finished[],
  output: BuildOutput,
  write: (bytes: Uint8Array) => void,
): Promise<void> {
  const [first] = finished;
  if (!first) return;
  const { build } = first;
  const orders = finished.map((one) => treeOf(one, finished.length > 1));
  if (output.type === 'local') await exportDirectory(build, orders, resolve(build.request.cwd, output.dest));
  else if (output.type === 'tar') await exportArchive(first, orders, output.dest, write);
  else throw new CtrError('INTERNAL', `no files for ${output.type}`);
}

type TreeOrder = Omit<CopyOrder, 'isSingle' | 'owner'>;

function treeOf({ build, state }: Finished, isOneOfSeveral: boolean): TreeOrder {
  const layers = layersBelow(build, state);
  const tree = {
    ...{ layers: layers.length === 0 ? [build.scratch.directory()] : layers, what: 'the image', isContext: false },
  };
  const destination = isOneOfSeveral ? `/${build.platform.replaceAll('/', '_')}/` : '/';
  return { kind: 'copy', tree, paths: ['/'], destination, exclude: [], parents: false };
}

async function exportDirectory({ worker }: Build, orders: readonly TreeOrder[], target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  // The caller's own files: nobody else could delete them.
  const steps = orders.map((order): CopyOrder => ({ ...order, owner: { uid: 0, gid: 0 }, isSingle: false }));
  await worker.ask({ op: 'place', target, lower: [], steps, isSingle: false });
}

async function exportArchive(
  { build, state }: Finished,
  orders: readonly TreeOrder[],
  dest: string | undefined,
  write: (bytes: Uint8Array) => void,
): Promise<void> {
  const { worker, scratch, ownerKind, request } = build;
  const isSingle = ownerKind === 's';
  const target = `${scratch.directory()}/diff`;
  mkdirSync(target, { mode: 0o755 });
  const steps = orders.map((order): CopyOrder => ({ ...order, isSingle }));
  await worker.ask({ op: 'place', target, lower: [], steps, isSingle });
  const archive = dest === undefined ? scratch.file() : resolve(request.cwd, dest);
  const newest = state.newest === undefined ? {} : { newest: state.newest };
  const began = build.beganAt.getTime() / 1000;
  await worker.ask({ op: 'seal', directory: target, lower: [], mountPoints: [], ...newest, began, archive, isSingle });
  if (dest === undefined) write(readFileSync(archive));
}
