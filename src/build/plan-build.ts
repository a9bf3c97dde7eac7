/** Stages → the graph of those that the target needs. Pure: nothing is looked up in a registry or store. */
import { CtrError } from '../base/ctr-error.ts';
import { suggest } from '../base/suggest.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { expandWord } from './expand-word.ts';
import { fromVariables } from './from-variables.ts';
import { globalsOf } from './globals.ts';
import type { BuildPlan, Globals, Origin, PlannedStage, PlanOptions } from './graph.ts';
import type { FromInstruction, StageInstruction } from './instruction.ts';
import { withPlace } from './place-error.ts';
import { excerpt, formatPlace, type SourceRange } from './source-range.ts';
import type { Dockerfile, Stage } from './stage.ts';

export function planBuild(dockerfile: Dockerfile, options: PlanOptions): BuildPlan {
  const globals = globalsOf(dockerfile, options);
  const target = targetStage(dockerfile, options.target);
  const planned = new Map<number, PlannedStage>();
  const visit = (index: number) => {
    if (planned.has(index)) return;
    const stage = planStage(dockerfile, stageAt(dockerfile, index), globals, options);
    for (const needed of stage.needs) visit(needed);
    planned.set(index, stage);
  };
  checkCycles(dockerfile, options);
  visit(target.index);
  const stages = [...planned.values()];
  const last = stages.at(-1);
  if (last === undefined) throw new CtrError('INTERNAL', 'a plan without stages');
  return { dockerfile, target: last, stages, globals, options };
}

/** What a `--from` means in the stage of that index: an earlier stage, a named context or an image. */
export function resolveFrom(plan: BuildPlan, stageIndex: number, from: string): Origin {
  const stage = stageAt(plan.dockerfile, stageIndex);
  return originOf(plan.dockerfile, stage, { from, source: stage.from.source }, plan.options);
}

/**
 * A stage that the plan left out, and all that it needs, each behind the ones it needs: for triggers of base images
 * (ONBUILD COPY --from=…), which are known only when the image is.
 */
export function planMore(plan: BuildPlan, stageIndex: number): readonly PlannedStage[] {
  const { dockerfile, options } = plan;
  const name = String(stageIndex);
  const done = new Set(plan.stages.map(({ index }) => index));
  return planBuild(dockerfile, { ...options, target: name }).stages.filter(({ index }) => !done.has(index));
}

function stageAt({ stages }: Dockerfile, index: number): Stage {
  const stage = stages[index];
  if (stage === undefined) throw new CtrError('INVALID', `no stage ${index}`);
  return stage;
}

/** By name (any case), else by number. */
function targetStage({ stages, fileName }: Dockerfile, target: string | undefined): Stage {
  if (target === undefined || target === '') return stages[stages.length - 1] as Stage;
  const named = stages.findLast(({ name }) => name === target.toLowerCase());
  const found = named ?? (/^\d{1,6}$/.test(target) ? stages[Number(target)] : undefined);
  if (found) return found;
  throw new CtrError('NOT_FOUND', `${fileName} has no stage ${JSON.stringify(target)}`, {
    hint: stagesHint(stages, target),
  });
}

function stagesHint(stages: readonly Stage[], wrong: string): string {
  const names = stages.map(({ name }) => name).filter((name) => name !== undefined);
  const near = suggest(wrong.toLowerCase(), names);
  if (near.length > 0) return `did you mean the stage ${near.join(' or ')}?`;
  return names.length > 0
    ? `its stages are ${names.join(', ')}`
    : `its stages have no names, only the numbers 0 to ${stages.length - 1}`;
}

/** Stage names that look like an image's name that could not be found; for the hint of that error. */
export function stagesNamedLike(plan: BuildPlan, image: string): string[] {
  const names = plan.dockerfile.stages.map(({ name }) => name).filter((name) => name !== undefined);
  return suggest(image.toLowerCase(), names);
}

function planStage(dockerfile: Dockerfile, stage: Stage, globals: Globals, options: PlanOptions): PlannedStage {
  const { from, index, name, instructions } = stage;
  const image = expandFrom(dockerfile, from, from.image, globals);
  if (image === '') {
    throw placed(
      dockerfile,
      from.source,
      `FROM ${from.image}: the image's name is empty`,
      'a variable in it has no value',
    );
  }
  const platform = platformOf(dockerfile, from, globals);
  const base = baseOf(dockerfile, stage, image, options);
  const needs = new Set(base.kind === 'stage' ? [base.index] : []);
  for (const reference of instructions.flatMap(referencesOf)) {
    const origin = originOf(dockerfile, stage, reference, options);
    if (origin.kind === 'stage') needs.add(origin.index);
  }
  return {
    index,
    ...(name === undefined ? {} : { name }),
    label: name ?? String(index),
    source: from.source,
    text: ['FROM', ...(platform ? [`--platform=${platform}`] : []), image, ...(name ? ['AS', name] : [])].join(' '),
    base,
    ...(platform === undefined ? {} : { platform }),
    instructions,
    needs: [...needs],
  };
}

function expandFrom(dockerfile: Dockerfile, from: FromInstruction, word: string, globals: Globals): string {
  return withPlace(
    (message, hint) => placed(dockerfile, from.source, message, hint),
    () => expandWord(word, fromVariables(globals, dockerfile)),
  );
}

function platformOf(dockerfile: Dockerfile, from: FromInstruction, globals: Globals): string | undefined {
  if (from.platform === undefined) return undefined;
  const written = expandFrom(dockerfile, from, from.platform, globals);
  if (written === '') {
    const message = `FROM --platform=${from.platform}: the platform is empty`;
    throw placed(dockerfile, from.source, message, 'a variable in it has no value');
  }
  return withPlace(
    (message, hint) => placed(dockerfile, from.source, message, hint),
    () => formatPlatform(parsePlatform(written)),
  );
}

/** An earlier stage of that name, else a named context, else scratch, else an image. */
function baseOf(dockerfile: Dockerfile, { index, from }: Stage, image: string, { contexts = [] }: PlanOptions): Origin {
  const context = contexts.find((name) => name === image || `${name}:latest` === image || name === `${image}:latest`);
  if (context !== undefined) return { kind: 'named-context', name: context };
  const stage = dockerfile.stages.slice(0, index).findLast(({ name }) => name === image.toLowerCase());
  if (stage) return { kind: 'stage', index: stage.index };
  if (image === 'scratch') return { kind: 'scratch' };
  return imageOrigin(dockerfile, from.source, image);
}

function imageOrigin(dockerfile: Dockerfile, source: SourceRange, image: string): Origin {
  return withPlace(
    (message) =>
      placed(dockerfile, source, `${JSON.stringify(image)}: ${message}`, stagesHint(dockerfile.stages, image)),
    () => {
      parseReference(image);
      return { kind: 'image', reference: image };
    },
  );
}

interface StageReference {
  readonly from: string;
  readonly source: SourceRange;
}

/** The `--from` of COPY and of mounts; a mount whose `from` is absent reads the build context. */
export function referencesOf(instruction: StageInstruction): StageReference[] {
  const { source } = instruction;
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [{ from: instruction.from, source }];
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap((mount) => {
    return 'from' in mount && mount.from !== undefined ? [{ from: mount.from, source }] : [];
  });
}

function originOf(dockerfile: Dockerfile, stage: Stage, reference: StageReference, options: PlanOptions): Origin {
  const { from, source } = reference;
  const { stages } = dockerfile;
  if (options.contexts?.includes(from)) return { kind: 'named-context', name: from };
  const found = stageNamed(stages, stage, from);
  if (found === undefined) {
    if (from === 'scratch') return { kind: 'scratch' };
    if (!/^\d+$/.test(from)) return imageOrigin(dockerfile, source, from);
    const hint = `there are the stages 0 to ${stages.length - 1}`;
    throw placed(dockerfile, source, `--from=${from}: no stage has that number`, hint);
  }
  if (found.index < stage.index) return { kind: 'stage', index: found.index };
  const where =
    found.index === stage.index ? 'is this stage itself' : `is defined later, at line ${found.from.source.line}`;
  throw placed(dockerfile, source, `--from=${from} ${where}`, 'a stage can copy from the stages before it');
}

/** The nearest stage above of that name or number; else any, which is an error of its own. */
function stageNamed(stages: readonly Stage[], { index }: Stage, from: string): Stage | undefined {
  const wanted = from.toLowerCase();
  const named =
    stages.slice(0, index).findLast(({ name }) => name === wanted) ?? stages.find(({ name }) => name === wanted);
  return named ?? (/^\d{1,6}$/.test(from) ? stages[Number(from)] : undefined);
}

/** A circle of stages is told as such, before the first `--from` of it is called a reference to a later stage. */
function checkCycles(dockerfile: Dockerfile, options: PlanOptions): void {
  const { stages } = dockerfile;
  const contexts = options.contexts ?? [];
  const next = stages.map((stage) => {
    const names = stage.instructions.flatMap(referencesOf).filter(({ from }) => !contexts.includes(from));
    const copied = names
      .map(({ from }) => stageNamed(stages, stage, from)?.index)
      .filter((index) => index !== undefined);
    const base = stages.slice(0, stage.index).findLast(({ name }) => name === stage.from.image.toLowerCase());
    return base ? [base.index, ...copied] : copied;
  });
  const done = new Set<number>();
  const visit = (index: number, path: readonly number[]): void => {
    const start = path.indexOf(index);
    if (start >= 0) throw circle(dockerfile, [...path.slice(start), index]);
    if (done.has(index)) return;
    for (const needed of next[index] ?? []) visit(needed, [...path, index]);
    done.add(index);
  };
  for (const { index } of stages) visit(index, []);
}

function circle(dockerfile: Dockerfile, path: readonly number[]): CtrError {
  const stages = path.map((index) => stageAt(dockerfile, index));
  const names = stages.map(({ name, index }) => name ?? String(index));
  const [first] = stages;
  if (first === undefined) throw new CtrError('INTERNAL', 'a circle without stages');
  const message =
    path.length === 2
      ? `the stage ${names[0]} needs itself`
      : `stages need each other in a circle: ${names.join(' → ')}`;
  return placed(dockerfile, first.from.source, message, 'move what they share into a stage before them');
}

function placed(
  { fileName, text }: Dockerfile,
  source: SourceRange,
  message: string,
  hint: string | undefined,
): CtrError {
  const lines = text.split(/\r?\n/);
  return new CtrError('INVALID', `${formatPlace(source)}: ${message}\n${excerpt({ name: fileName, lines }, source)}`, {
    hint,
  });
}
