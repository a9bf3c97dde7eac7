/** One stage: its base, then its instructions one after the other. Stages that it needs run beside it until it asks. */
import { CtrError } from '../../base/ctr-error.ts';
import type { PlannedStage } from '../../build/graph.ts';
import type { StageInstruction } from '../../build/instruction.ts';
import { parseTriggers } from '../../build/parse-dockerfile.ts';
import { planMore } from '../../build/plan-build.ts';
import { expandStep, openScope } from '../../build/scope.ts';
import { instructionError } from '../../build/source-range.ts';
import type { ImageConfig } from '../../oci/image-config.ts';
import { parsePlatform } from '../../oci/platform.ts';
import { loadImage } from './base-image.ts';
import type { Build, Made, StageState } from './build-state.ts';
import { changeDefaults } from './config-steps.ts';
import { copyStep, workdirStep } from './copy-step.ts';
import { runStep } from './run-step.ts';
import { watched } from './watched.ts';

/** The finished stage; begun if nobody has. */
export function stageState(build: Build, index: number): Promise<StageState> {
  const running = build.stages.get(index) ?? begin(build, index);
  build.stages.set(index, running);
  // Who needs it looks at it later; until then a failure is nobody's.
  running.catch(() => {});
  return running;
}

function begin(build: Build, index: number): Promise<StageState> {
  const planned = build.plan.stages.find((stage) => stage.index === index);
  const stage = planned ?? planMore(build.plan, index).at(-1);
  if (!stage) throw new CtrError('INTERNAL', `stage ${index} is not planned`);
  return runStage(build, stage);
}

async function runStage(build: Build, stage: PlannedStage): Promise<StageState> {
  let state = await baseOf(build, stage);
  const { OnBuild: triggers = [], ...config } = state.image.config;
  state = { ...state, image: { ...state.image, config } };
  const fromImage = stage.base.kind === 'image' ? parseTriggers(triggers, stage.base.reference) : [];
  const inherited = stage.base.kind === 'stage' ? parseTriggers(triggers, stage.label) : [];
  const instructions = [...fromImage, ...inherited, ...stage.instructions];
  for (const [index, instruction] of instructions.entries()) {
    build.signal.throwIfAborted();
    state = await step(
      build,
      stage,
      state,
      instruction,
      `${build.label}${stage.label} ${index + 1}/${instructions.length}`,
    );
  }
  return state;
}

async function baseOf(build: Build, stage: PlannedStage): Promise<StageState> {
  const { base } = stage;
  if (base.kind === 'stage') {
    const below = await stageState(build, base.index);
    const env = below.image.config.Env ?? [];
    const scope = openScope(build.plan.globals, env, build.plan.dockerfile.directives.escape, below.args);
    return { ...below, scope, hasCommand: false };
  }
  const loaded = await loadBase(build, stage);
  const { image, layers } = loaded;
  const scope = openScope(build.plan.globals, image.config.Env ?? [], build.plan.dockerfile.directives.escape);
  const newest = newestTime(build, image);
  return { image, layers, history: image.history, steps: [], scope, newest, hasCommand: false, args: {} };
}

/** The fixed rule: no file that a build makes is newer than its base image; without one it is of 1970. */
function newestTime({ request }: Build, { created }: ImageConfig): number | undefined {
  if (request.timestamp === 'now') return undefined;
  if (request.timestamp !== undefined) return request.timestamp;
  const seconds = Math.floor(Date.parse(created ?? '') / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}

async function loadBase(build: Build, { base, platform }: PlannedStage) {
  const wanted = platform ?? build.platform;
  if (base.kind === 'image') return loadImage(build, base.reference, wanted);
  if (base.kind === 'named-context') {
    const found = await build.contexts.named(base.name);
    if ('image' in found) return loadImage(build, found.image, wanted);
    if ('layout' in found) return (await import('./layout-image.ts')).loadLayoutImage(build, found.layout, wanted);
    throw new CtrError('INVALID', `FROM ${base.name}: the context is a directory, not an image`);
  }
  const { os, architecture, variant } = parsePlatform(wanted);
  const image: ImageConfig = {
    ...{ os, architecture, ...(variant === undefined ? {} : { variant }) },
    config: {},
    rootfs: { type: 'layers', diff_ids: [] },
    history: [],
  };
  return { image, layers: [] };
}

async function step(
  build: Build,
  stage: PlannedStage,
  before: StageState,
  written: StageInstruction,
  place: string,
): Promise<StageState> {
  const { instruction, scope } = expandStep(before.scope, written, undefined);
  const config = changeDefaults(before.image.config, instruction, before.hasCommand);
  const image = {
    ...before.image,
    config,
    ...(instruction.kind === 'maintainer' ? { author: instruction.name } : {}),
  };
  const hasCommand = before.hasCommand || instruction.kind === 'cmd';
  const state: StageState = { ...before, image, scope, hasCommand, args: scope.args };
  const made = await layerOf(build, stage, state, instruction, place);
  const created = createdText(build, state);
  const entry = { created, created_by: instruction.text, ...(made?.layer ? {} : { empty_layer: true }) };
  if (instruction.kind === 'arg') return state;
  const { key } = made ?? {};
  const finished = key === undefined ? [] : [{ key, ...(made?.layer ? { diffId: made.layer.diffId } : {}) }];
  return {
    ...state,
    steps: [...state.steps, ...finished],
    layers: made?.layer ? [...state.layers, made.layer] : state.layers,
    history: [...state.history, entry],
  };
}

export const createdText = ({ beganAt }: Build, { newest }: Pick<StageState, 'newest'>): string =>
  (newest === undefined ? beganAt : new Date(newest * 1000)).toISOString().replace('.000Z', 'Z');

async function layerOf(
  build: Build,
  stage: PlannedStage,
  state: StageState,
  instruction: StageInstruction,
  place: string,
): Promise<Made | undefined> {
  const { kind, text } = instruction;
  if (kind !== 'run' && kind !== 'copy' && kind !== 'add' && kind !== 'workdir') return undefined;
  const { noCache, noCacheFilter } = build.request;
  const useCache = !noCache && !noCacheFilter.includes(stage.label);
  try {
    return await watched(build, { place, text }, async (info) => {
      const where = { stageIndex: stage.index, useCache, info };
      if (kind === 'run') return runStep(build, state, instruction, where);
      if (kind === 'workdir') return workdirStep(build, state, text, useCache);
      return copyStep(build, state, instruction, where);
    });
  } catch (error) {
    if (kind === 'run' || !(error instanceof CtrError) || error.code === 'STATE') throw error;
    throw placed(error, instruction);
  }
}

/** With the line of the Dockerfile, and the kind of the error kept. */
function placed(error: CtrError, instruction: StageInstruction): CtrError {
  const { message } = instructionError(instruction, error.message);
  return new CtrError(error.code, message, { hint: error.hint, cause: error.cause });
}
