/** `--squash-all`: the stage's layers as one. */
import { CtrError } from '../../base/ctr-error.ts';
import { type Build, diffIdsOf, type StageState } from './build-state.ts';
import { layerFor, layersBelow } from './new-layer.ts';
import { createdText } from './stage.ts';
import { stepKey } from './step-key.ts';

export async function squash(build: Build, state: StageState): Promise<StageState> {
  const { request, worker, ownerKind } = build;
  const hasBase = state.layers.some(({ descriptor }) => descriptor !== undefined);
  if (request.squash === 'new' && hasBase) {
    throw new CtrError('UNSUPPORTED', '--squash cannot keep the layers of a base image', {
      hint: '--squash-all makes one layer of everything',
    });
  }
  const isSingle = ownerKind === 's';
  const tree = { layers: layersBelow(build, state), what: 'the image', isContext: false };
  if (tree.layers.length === 0) return state;
  const key = stepKey(['squash', diffIdsOf(state), state.newest]);
  const made = await layerFor(
    build,
    { ...state, layers: [] },
    {
      ...{ key, description: 'squash', useCache: true },
      make: async (target) => {
        const step = {
          kind: 'copy',
          tree,
          paths: ['/'],
          destination: '/',
          exclude: [],
          parents: false,
          isSingle,
        } as const;
        await worker.ask({ op: 'place', target, lower: [], steps: [step], isSingle });
        return { mountPoints: [] };
      },
    },
  );
  const created = createdText(build, state);
  const history = [
    ...state.history.map((entry) => ({ ...entry, empty_layer: true })),
    { created, created_by: 'squash', ...(made.layer ? {} : { empty_layer: true }) },
  ];
  return { ...state, layers: made.layer ? [made.layer] : [], history };
}
