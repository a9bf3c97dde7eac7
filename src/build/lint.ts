/** `ctr build --check`: BuildKit's build checks. Pure; what base images and the context hold is told by options. */
import { parseCheckDirective } from './directives.ts';
import type { Globals } from './graph.ts';
import { lintInstructions } from './lint-instructions.ts';
import type { LintOptions } from './lint-options.ts';
import { lintFrom, lintStageNames } from './lint-stages.ts';
import { lintVariables } from './lint-variables.ts';
import type { LintWarning } from './lint-warning.ts';
import { type RuleName, rules } from './rules.ts';
import type { Directives, Dockerfile } from './stage.ts';

/** In the order of the file. */
export function lintDockerfile(dockerfile: Dockerfile, options: LintOptions): LintWarning[] {
  const settings = checkSettings(dockerfile, options.globals);
  const found = [
    ...dockerfile.warnings,
    ...lintStageNames(dockerfile),
    ...lintFrom(dockerfile, options.globals),
    ...lintInstructions(dockerfile, options.ignore),
    ...lintVariables(dockerfile, options),
  ];
  return found
    .filter(({ rule }) => isWanted(rule, settings))
    .sort((a, b) => a.source.line - b.source.line || a.source.column - b.source.column);
}

/** The check directive, or the build argument BUILDKIT_DOCKERFILE_CHECK in its place. */
export function checkSettings({ directives }: Dockerfile, { buildArgs }: Globals): Directives['check'] {
  const given = Object.hasOwn(buildArgs, 'BUILDKIT_DOCKERFILE_CHECK') ? buildArgs.BUILDKIT_DOCKERFILE_CHECK : undefined;
  return given === undefined ? directives.check : parseCheckDirective(given);
}

function isWanted(rule: string, { skip, experimental }: Directives['check']): boolean {
  const names = (listed: readonly string[] | 'all') => listed === 'all' || listed.includes(rule);
  if (Object.hasOwn(rules, rule) && rules[rule as RuleName].experimental) return names(experimental);
  return !names(skip);
}
