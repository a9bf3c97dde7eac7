/** `--output type=local|tar`: the files of the finished stage, without an image around them. */
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { BuildOutput } from './build-request.ts';
import type { Build, StageState } from './build-state.ts';
import { layersBelow } from './new-layer.ts';
import type { CopyOrder } from './worker-orders.ts';

export async function exportFiles(
  build: Build,
  state: StageState,
  output: BuildOutput,
  write: (bytes: Uint8Array) => void,
): Promise<void> {
  const { worker, request, scratch, ownerKind } = build;
  const isSingle = ownerKind === 's';
  const layers = layersBelow(build, state);
  const tree = { layers: layers.length === 0 ? [scratch.directory()] : layers, what: 'the image', isContext: false };
  const order = { kind: 'copy', tree, paths: ['/'], destination: '/', exclude: [], parents: false } as const;
  if (output.type === 'local') {
    const target = resolve(request.cwd, output.dest);
    mkdirSync(target, { recursive: true });
    // The caller's own files: nobody else could delete them.
    const step: CopyOrder = { ...order, owner: { uid: 0, gid: 0 }, isSingle: false };
    await worker.ask({ op: 'place', target, lower: [], steps: [step], isSingle: false });
    return;
  }
  if (output.type !== 'tar') throw new CtrError('INTERNAL', `no files for ${output.type}`);
  const target = `${scratch.directory()}/diff`;
  mkdirSync(target, { mode: 0o755 });
  await worker.ask({ op: 'place', target, lower: [], steps: [{ ...order, isSingle }], isSingle });
  const archive = output.dest === undefined ? scratch.file() : resolve(request.cwd, output.dest);
  const newest = state.newest === undefined ? {} : { newest: state.newest };
  const began = build.beganAt.getTime() / 1000;
  await worker.ask({ op: 'seal', directory: target, lower: [], mountPoints: [], ...newest, began, archive, isSingle });
  if (output.dest === undefined) write(readFileSync(archive));
}
