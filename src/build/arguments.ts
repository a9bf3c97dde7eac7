/** What is behind an instruction's keyword, and the forms that it can have. */

import type { Command, InstructionBase } from './instruction.ts';
import { parseStringArray } from './json-form.ts';
import type { LogicalLine } from './logical-line.ts';
import type { Flag } from './split-flags.ts';
import { splitAtSpaces, type Token } from './words.ts';

export interface Arguments {
  readonly line: LogicalLine;
  /** In upper case. */
  readonly keyword: string;
  readonly base: InstructionBase;
  readonly flags: readonly Flag[];
  /** Everything behind the flags. */
  readonly rest: Token;
}

/** The JSON form's words, undefined in shell form; an array of anything but strings is an error. */
export function jsonWords({ line, rest }: Pick<Arguments, 'line' | 'rest'>): readonly string[] | undefined {
  const array = parseStringArray(rest.text);
  if (array !== 'not-strings') return array?.words;
  throw line.error('the JSON form takes strings only', rest, 'put every argument in double quotes');
}

/** Words from either form, with their places. */
export function wordTokens(args: Arguments): Token[] {
  const words = jsonWords(args);
  if (words) return words.map((text) => ({ text, start: args.rest.start, end: args.rest.end }));
  return splitAtSpaces(args.line.text, args.rest.start);
}

/** The whole rest as one argument. */
export function soleArgument({ line, keyword, rest }: Arguments): string {
  if (rest.text === '') throw line.error(`${keyword} needs an argument`);
  return rest.text;
}

export function commandOf(args: Arguments): Command {
  const words = jsonWords(args);
  return words ? { form: 'exec', words } : { form: 'shell', line: args.rest.text };
}
