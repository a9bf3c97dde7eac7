/** UndefinedVar: variables that nothing above sets. Where the base image's ENV is unknown, only likely misspellings. */
import { suggest } from '../base/suggest.ts';
import { expandWord } from './expand-word.ts';
import { fromVariables } from './from-variables.ts';
import type { LintOptions } from './lint-options.ts';
import type { LintWarning } from './lint-warning.ts';
import { rules } from './rules.ts';
import { expandStep, openScope, type Scope } from './scope.ts';
import type { Dockerfile, Stage } from './stage.ts';

interface Reached {
  readonly scope: Scope;
  readonly declared: ReadonlySet<string>;
  /** Whether the base's variables are all known. */
  readonly complete: boolean;
}

export function lintVariables(dockerfile: Dockerfile, options: LintOptions): LintWarning[] {
  const reached = new Map<string, Reached>();
  return dockerfile.stages.flatMap((stage) => {
    const { warnings, end } = lintStage(stage, begin(dockerfile, stage, reached, options));
    if (stage.name !== undefined) reached.set(stage.name, end);
    return warnings;
  });
}

function begin(dockerfile: Dockerfile, stage: Stage, reached: Map<string, Reached>, options: LintOptions): Reached {
  const { globals } = options;
  let image = stage.from.image;
  try {
    image = expandWord(image, fromVariables(globals, dockerfile));
  } catch {
    // The build itself says what is wrong with the image's name.
  }
  const parent = reached.get(image.toLowerCase());
  if (parent) return parent;
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const baseEnv = image === 'scratch' ? [] : options.baseEnv?.(image);
  const scope = openScope(globals, [path, ...(baseEnv ?? [])], dockerfile.directives.escape);
  return { scope, declared: new Set(), complete: baseEnv !== undefined };
}

function lintStage({ instructions }: Stage, start: Reached): { warnings: LintWarning[]; end: Reached } {
  const warnings: LintWarning[] = [];
  const declared = new Set(start.declared);
  let { scope } = start;
  for (const instruction of instructions) {
    const missing = new Set<string>();
    const noticed = (name: string, isSet: boolean) => void (isSet || declared.has(name) || missing.add(name));
    try {
      scope = expandStep(scope, instruction, noticed).scope;
    } catch {
      // The build itself says what is wrong with the instruction.
    }
    // PATH is everywhere, and near to many a base image's own variables.
    const set = Object.keys(scope.env).filter((name) => start.complete || name !== 'PATH');
    const known = [...set, ...declared, ...Object.keys(scope.globals.args)];
    for (const name of missing) {
      const [near = ''] = suggest(name, known).filter((candidate) => candidate !== name);
      if (start.complete || near !== '') warnings.push(rules.UndefinedVar.found(instruction.source, name, near));
    }
    if (instruction.kind === 'arg') for (const { name } of instruction.args) declared.add(name);
  }
  return { warnings, end: { scope, declared, complete: start.complete } };
}
