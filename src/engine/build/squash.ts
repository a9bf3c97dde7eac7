/** `--squash`: what the build adds as one layer. `--squash-all`: everything as one. */
import type { HistoryEntry } from '../../oci/image-config.ts';
import { type Build, diffIdsOf, type StageLayer, type StageState } from './build-state.ts';
import { layerFor, layersBelow } from './new-layer.ts';
import { createdText } from './stage.ts';
import { stepKey } from './step-key.ts';

export async function squash(build: Build, state: StageState): Promise<StageState> {
  const { request, worker, ownerKind } = build;
  const kept = request.squash === 'all' ? [] : state.layers.filter(({ descriptor }) => descriptor !== undefined);
  const added = state.layers.slice(kept.length);
  if (added.length === 0) return state;
  const isSingle = ownerKind === 's';
  const upper = layersBelow(build, { layers: added });
  const tree = { layers: upper, what: 'the image', isContext: false };
  const key = stepKey(['squash', diffIdsOf({ layers: kept }), diffIdsOf({ layers: added }), state.newest]);
  const base = { ...state, layers: kept };
  const made = await layerFor(build, base, {
    ...{ key, description: 'squash', useCache: true },
    make: async (target) => {
      const order = { kind: 'copy', tree, paths: ['/'], destination: '/', exclude: [], parents: false } as const;
      await worker.ask({ op: 'place', target, lower: [], steps: [{ ...order, isSingle }], isSingle });
      await worker.ask({ op: 'remove-below', target, upper, below: layersBelow(build, base) });
      return { mountPoints: [] };
    },
  });
  const layers = made.layer ? [...kept, made.layer] : kept;
  return { ...state, layers, history: historyOf(build, state, kept, made.layer) };
}

/** The steps stay to be read; the layers are those of the base image and the new one. */
function historyOf(
  build: Build,
  state: StageState,
  kept: readonly StageLayer[],
  made: StageLayer | undefined,
): HistoryEntry[] {
  let left = kept.length;
  const steps = state.history.map((entry) => {
    if (entry.empty_layer) return entry;
    return left-- > 0 ? entry : { ...entry, empty_layer: true };
  });
  return [
    ...steps,
    { created: createdText(build, state), created_by: 'squash', ...(made ? {} : { empty_layer: true }) },
  ];
}
