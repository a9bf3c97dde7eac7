/** Stages → the graph of those that the target needs. Pure: nothing is looked up in a registry or store. */
import { CtrError } from '../base/ctr-error.ts';
import type { BuildPlan, Origin, PlanOptions } from './graph.ts';
import type { Dockerfile } from './stage.ts';

export function planBuild(dockerfile: Dockerfile, _options: PlanOptions): BuildPlan {
  throw new CtrError('UNSUPPORTED', `${dockerfile.fileName}: the planner is not part of this version`);
}

/** What a `--from` means in the stage of that index: an earlier stage, a named context or an image. */
export function resolveFrom(_plan: BuildPlan, _stageIndex: number, from: string): Origin {
  throw new CtrError('UNSUPPORTED', `${from}: the planner is not part of this version`);
}
