/** The corpus as far as it can be checked without building: what should build is planned, and its configuration comes out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuildPlan, PlannedStage } from '../../../src/build/graph.ts';
import { parseDockerfile, parseTriggers } from '../../../src/build/parse-dockerfile.ts';
import { planBuild } from '../../../src/build/plan-build.ts';
import { expandStep, openScope, type Scope } from '../../../src/build/scope.ts';
import { changeDefaults } from '../../../src/engine/build/config-steps.ts';
import type { ContainerDefaults } from '../../../src/oci/image-config.ts';
import {
  type CorpusCase,
  configChanges,
  corpusCases,
  corpusDir,
  emptyImage,
  expectedConfig,
} from '../../support/corpus.ts';
import type { ImageContent } from '../../support/image-tree.ts';

interface StageConfig {
  readonly config: ContainerDefaults;
  readonly author?: string | undefined;
}

const cases = corpusCases();
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const busybox: StageConfig = { config: { Env: [path], Cmd: ['sh'] } };
const scratch: StageConfig = { config: { Env: [path] } };

function planOf(file: string, args: readonly string[] = []): BuildPlan {
  const given = args.flatMap((arg, index) =>
    args[index - 1] === '--build-arg' ? [arg.replace('{http}', 'http://x.test').split('=')] : [],
  );
  return planBuild(parseDockerfile(readFileSync(file, 'utf8'), { fileName: 'Dockerfile' }), {
    platform: 'linux/amd64',
    buildPlatform: 'linux/amd64',
    buildArgs: Object.fromEntries(given.map(([name = '', value = 'x']) => [name, value])),
    target: args[args.indexOf('--target') + 1 || args.length],
  });
}

interface Built {
  readonly stage: StageConfig;
  readonly scope: Scope;
}

/** The configuration of the target, as an executor would arrive at it. */
function configOf(plan: BuildPlan, images: (reference: string) => StageConfig): StageConfig {
  const built = new Map<number, Built>();
  for (const stage of plan.stages) built.set(stage.index, buildStage(plan, stage, built, images));
  return built.get(plan.target.index)?.stage ?? scratch;
}

function buildStage(
  { globals, dockerfile }: BuildPlan,
  { base, instructions, label }: PlannedStage,
  built: ReadonlyMap<number, Built>,
  images: (reference: string) => StageConfig,
): Built {
  const parent = base.kind === 'stage' ? built.get(base.index) : undefined;
  const from = parent?.stage ?? (base.kind === 'image' ? images(base.reference) : scratch);
  const { OnBuild: triggers = [], ...config } = from.config;
  let stage: StageConfig = { ...from, config };
  let hasCommand = false;
  let scope = openScope(globals, config.Env ?? [], dockerfile.directives.escape, parent?.scope.args);
  for (const instruction of [...parseTriggers(triggers, label), ...instructions]) {
    const step = expandStep(scope, instruction);
    scope = step.scope;
    const author = step.instruction.kind === 'maintainer' ? step.instruction.name : stage.author;
    stage = { config: changeDefaults(stage.config, step.instruction, hasCommand), author };
    hasCommand ||= instruction.kind === 'cmd';
  }
  return { stage, scope };
}

const contentOf = ({ config, author }: StageConfig): ImageContent => ({
  ...emptyImage,
  config: { ...config },
  ...(author === undefined ? {} : { author }),
});

function compare(each: CorpusCase): void {
  const baseFile = join(corpusDir, each.name, 'base.Dockerfile');
  const base = existsSync(baseFile) ? configOf(planOf(baseFile), () => busybox) : undefined;
  const plan = planOf(join(corpusDir, each.name, 'Dockerfile'), each.args);
  const result = configOf(plan, (reference) => (/base-of/.test(reference) ? (base ?? busybox) : busybox));
  const from = contentOf(base ?? (each.fromScratch ? scratch : busybox));
  expect(configChanges(from, contentOf(result))).toEqual(expectedConfig(each, from));
}

describe('test/corpus [U]', () => {
  it('has at least 150 cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
  });

  const good = cases.filter(({ error, args = [] }) => error === undefined && !args.includes('--label'));
  it.each(good.map((each) => [each.name, each] as const))('configures %s as expected', (_name, each) => {
    compare(each);
  });
});
