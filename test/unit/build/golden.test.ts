/** Dockerfiles and what they mean, as files: `npx vitest run --project unit -u` writes them anew; read the difference. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../src/base/ctr-error.ts';
import type { BuildPlan } from '../../../src/build/graph.ts';
import { lintDockerfile } from '../../../src/build/lint.ts';
import { parseDockerfile } from '../../../src/build/parse-dockerfile.ts';
import { planBuild } from '../../../src/build/plan-build.ts';
import { expandStep, openScope, type Scope } from '../../../src/build/scope.ts';
import type { SourceRange } from '../../../src/build/source-range.ts';
import { describeError } from '../../../src/cli/report-error.ts';

const golden = (area: string) => join(import.meta.dirname, '../../golden', area);
const textOf = (area: string, name: string) => readFileSync(join(golden(area), name, 'Dockerfile'), 'utf8');

const planOf = (text: string) =>
  planBuild(parseDockerfile(text, { fileName: 'Dockerfile' }), {
    platform: 'linux/arm64',
    buildPlatform: 'linux/amd64',
    buildArgs: { GIVEN: 'given' },
  });

/** Every stage's steps as the executor sees them: variables replaced, one after the other. */
function expandStages({ stages, globals, dockerfile }: BuildPlan) {
  const scopes = new Map<number, Scope>();
  return stages.map((stage) => {
    const parent = scopes.get(stage.base.kind === 'stage' ? stage.base.index : -1);
    let scope = parent ?? openScope(globals, ['PATH=/bin'], dockerfile.directives.escape);
    const steps = stage.instructions.map((instruction) => {
      const step = expandStep(scope, instruction);
      scope = step.scope;
      return step.instruction;
    });
    scopes.set(stage.index, scope);
    return { ...stage, instructions: steps, endsWith: { env: scope.env, args: scope.args } };
  });
}

/** Places in one line, and what says nothing left out, so that the files stay readable. */
function readable(value: unknown): string {
  const shorten = (key: string, member: unknown) => {
    if (key === 'description' || key === 'keyword') return undefined;
    if (key === 'comment' && Array.isArray(member) && member.length === 0) return undefined;
    return isRange(member) ? `${member.line}:${member.column}-${member.endLine}:${member.endColumn}` : member;
  };
  return `${JSON.stringify(value, shorten, 2)}\n`;
}

function isRange(value: unknown): value is SourceRange {
  return typeof value === 'object' && value !== null && 'endColumn' in value;
}

describe('parseDockerfile, planBuild, expandStep [U] Dockerfile reference', () => {
  it.each(readdirSync(golden('dockerfile')))('reads golden/dockerfile/%s', async (name) => {
    const plan = planOf(textOf('dockerfile', name));
    const { directives, globalArgs, stages } = plan.dockerfile;
    const found = {
      directives,
      globalArgs,
      parsed: stages.map(({ from, instructions }) => [from, ...instructions]),
      globals: plan.globals.args,
      plan: expandStages(plan),
      warnings: lintDockerfile(plan.dockerfile, { globals: plan.globals }),
    };
    await expect(readable(found)).toMatchFileSnapshot(join(golden('dockerfile'), name, 'expected.json'));
  });

  it.each(readdirSync(golden('dockerfile-errors')))('refuses golden/dockerfile-errors/%s', async (name) => {
    let thrown: unknown;
    try {
      expandStages(planOf(textOf('dockerfile-errors', name)));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CtrError);
    const { text } = describeError(thrown, 'ctr', false);
    await expect(text).toMatchFileSnapshot(join(golden('dockerfile-errors'), name, 'expected.txt'));
  });
});
