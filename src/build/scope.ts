/**
 * The variables that a step of a stage sees (reference, "Environment replacement" and "ARG"): ENV of the base image and
 * the stage, and ARG as far as it was declared above; ENV wins. The executor threads a scope through the steps:
 *
 *   let scope = openScope(plan.globals, baseImageEnv, escape);
 *   for (const step of stage.instructions) ({ scope, instruction } = expandStep(scope, step));
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Globals } from './graph.ts';
import type { StageInstruction } from './instruction.ts';
import type { Directives } from './stage.ts';

export interface Scope {
  /** In the order in which they were set, as the image's configuration keeps them. */
  readonly env: Readonly<Record<string, string>>;
  /** Declared by ARG and valued. */
  readonly args: Readonly<Record<string, string>>;
  readonly globals: Globals;
  readonly escape: Directives['escape'];
}

/** `baseEnv`: the base image's `Env`, `NAME=value` each. */
export function openScope(globals: Globals, baseEnv: readonly string[], escapeCharacter: Directives['escape']): Scope {
  const env = Object.fromEntries(
    baseEnv.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
  return { env, args: {}, globals, escape: escapeCharacter };
}

/** The step with its variables replaced, and the scope of the step behind it. */
export function expandStep<I extends StageInstruction>(
  _scope: Scope,
  instruction: I,
): { readonly instruction: I; readonly scope: Scope } {
  throw new CtrError('UNSUPPORTED', `${instruction.text}: expansion is not part of this version`);
}

/** What a RUN's process gets: proxies, declared ARGs, ENV, the later winning. */
export function runEnvironment({ globals, args, env }: Scope): Record<string, string> {
  return { ...globals.proxies, ...args, ...env };
}
