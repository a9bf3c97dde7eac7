/**
 * The variables that a step of a stage sees (reference, "Environment replacement" and "ARG"): ENV of the base image and
 * the stage, and ARG as far as it was declared above; ENV wins. The executor threads a scope through the steps:
 *
 *   let scope = openScope(plan.globals, baseImageEnv, escape);
 *   for (const step of stage.instructions) ({ scope, instruction } = expandStep(scope, step));
 */
import { expandInstruction } from './expand-instruction.ts';
import type { Variables } from './expand-word.ts';
import type { Globals } from './graph.ts';
import type { ArgInstruction, StageInstruction } from './instruction.ts';
import type { Directives } from './stage.ts';

export interface Scope {
  /** In the order in which they were set, as the image's configuration keeps them. */
  readonly env: Readonly<Record<string, string>>;
  /** Declared by ARG and valued. */
  readonly args: Readonly<Record<string, string>>;
  readonly globals: Globals;
  readonly escape: Directives['escape'];
}

/**
 * `baseEnv`: the base image's `Env`, `NAME=value` each. A stage that is built FROM another inherits its arguments too
 * (`inheritedArgs`: the `args` of that stage's last scope).
 */
export function openScope(
  globals: Globals,
  baseEnv: readonly string[],
  escapeCharacter: Directives['escape'],
  inheritedArgs: Scope['args'] = {},
): Scope {
  const env = Object.fromEntries(
    baseEnv.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
  return { env, args: inheritedArgs, globals, escape: escapeCharacter };
}

export interface Step {
  readonly instruction: StageInstruction;
  /** What the step behind it sees. */
  readonly scope: Scope;
}

/** The step with its variables replaced; it keeps its kind. */
export function expandStep(scope: Scope, instruction: StageInstruction, noticed?: Variables['noticed']): Step {
  if (instruction.kind === 'arg') return declare(scope, instruction, noticed);
  const result = expandInstruction(instruction, variablesOf(scope, noticed));
  if (result.kind !== 'env') return { instruction: result, scope };
  const set = Object.fromEntries(result.pairs.map(({ key, value }) => [key, value]));
  return { instruction: result, scope: { ...scope, env: { ...scope.env, ...set } } };
}

/** What a RUN's process gets: proxies, declared ARGs, ENV, the later winning. */
export function runEnvironment({ globals, args, env }: Scope): Record<string, string> {
  return { ...globals.proxies, ...args, ...env };
}

export function variablesOf(scope: Scope, noticed?: Variables['noticed']): Variables {
  return {
    escape: scope.escape,
    lookup: (name) => own(scope.env, name) ?? own(scope.args, name),
    ...(noticed === undefined ? {} : { noticed }),
  };
}

/** ARG: `--build-arg`, else the default, else the global scope's value, else declared without one. */
function declare(scope: Scope, instruction: ArgInstruction, noticed: Variables['noticed']): Step {
  let next = scope;
  const args = instruction.args.map((arg) => {
    const value = argumentValue(next, instruction, arg, noticed);
    if (value === undefined) return { name: arg.name };
    next = { ...next, args: { ...next.args, [arg.name]: value } };
    return { name: arg.name, value };
  });
  return { instruction: { ...instruction, args }, scope: next };
}

function argumentValue(
  scope: Scope,
  instruction: ArgInstruction,
  { name, value }: ArgInstruction['args'][number],
  noticed: Variables['noticed'],
): string | undefined {
  const { buildArgs, args, predefined, proxies } = scope.globals;
  const given = own(buildArgs, name);
  if (given !== undefined) return given;
  if (value === undefined) return own(args, name) ?? own(predefined, name) ?? own(proxies, name);
  // Only its value is expanded, as the value of an ENV would be; errors name the ARG's place.
  const asEnv = expandInstruction(
    { ...instruction, kind: 'env', pairs: [{ key: 'value', value }], legacy: false },
    variablesOf(scope, noticed),
  );
  return asEnv.kind === 'env' ? asEnv.pairs[0]?.value : undefined;
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
