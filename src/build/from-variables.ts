/** What variables a FROM line sees: the global scope and the predefined platform arguments. */
import type { Variables } from './expand-word.ts';
import type { Globals } from './graph.ts';
import type { Dockerfile } from './stage.ts';

export function fromVariables({ args, predefined }: Globals, { directives }: Dockerfile): Variables {
  const values: Readonly<Record<string, string>> = { ...predefined, ...args };
  return { escape: directives.escape, lookup: (name) => (Object.hasOwn(values, name) ? values[name] : undefined) };
}
