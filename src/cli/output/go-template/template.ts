/** Go templates over plain objects: what `--format` takes. */
import { execute } from './execute.ts';
import { functionNames } from './functions.ts';
import { parseTemplate } from './parse.ts';
import type { Value } from './value.ts';

export type RenderTemplate = (value: Value) => string;

/** Parse once, render often. `name` stands in error messages: the command's. */
export function compileTemplate(name: string, source: string): RenderTemplate {
  const template = parseTemplate(name, source, functionNames);
  return (value) => execute(template, value);
}

/** The parts of a template outside of actions, rewritten by `text`, and the actions, by `action`. */
export function rewriteTemplate(
  source: string,
  rewrite: { readonly text: (text: string) => string; readonly action: (action: string) => string },
): string {
  return source
    .split(/(\{\{[\s\S]*?\}\})/)
    .map((part, index) => (index % 2 === 1 ? rewrite.action(part) : rewrite.text(part)))
    .join('');
}
