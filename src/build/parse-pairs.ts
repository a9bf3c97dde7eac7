/** ENV, LABEL (`key=value …`, or the old `key the rest`) and ARG (`name`, `name=default`). */
import type { Arguments } from './arguments.ts';
import type { ArgInstruction, EnvInstruction, LabelInstruction, Pair } from './instruction.ts';
import { splitQuoted, type Token } from './words.ts';

export function parseEnv(args: Arguments, escapeCharacter: string): EnvInstruction {
  return { kind: 'env', ...args.base, ...parsePairs(args, escapeCharacter) };
}

export function parseLabel(args: Arguments, escapeCharacter: string): LabelInstruction {
  return { kind: 'label', ...args.base, ...parsePairs(args, escapeCharacter) };
}

function parsePairs(args: Arguments, escapeCharacter: string): { pairs: readonly Pair[]; legacy: boolean } {
  const { line, keyword, rest } = args;
  const tokens = splitQuoted(line.text.trimEnd(), escapeCharacter, rest.start);
  const [first] = tokens;
  if (first === undefined) throw line.error(`${keyword} needs an argument`);
  if (!first.text.includes('=')) return { pairs: [legacyPair(args, first)], legacy: true };
  return { pairs: tokens.map((token) => pairOf(args, token)), legacy: false };
}

function legacyPair({ line, keyword, rest }: Arguments, key: Token): Pair {
  const [, name = '', value = ''] = /^(\S+)\s+([\s\S]+)$/.exec(rest.text) ?? [];
  if (name !== '') return { key: name, value };
  throw line.error(`${keyword} ${key.text} has no value`, key, `write ${keyword} ${key.text}=value`);
}

function pairOf({ line, keyword }: Arguments, token: Token): Pair {
  const equals = token.text.indexOf('=');
  if (equals === 0) throw line.error(`${keyword}: a name is missing before =`, token);
  if (equals > 0) return { key: token.text.slice(0, equals), value: token.text.slice(equals + 1) };
  const hint = 'write name=value; a value with blanks needs quotes';
  throw line.error(`${keyword}: no = in ${JSON.stringify(token.text)}`, token, hint);
}

export function parseArg(args: Arguments, escapeCharacter: string): ArgInstruction {
  const { line, base, rest } = args;
  const tokens = splitQuoted(line.text.trimEnd(), escapeCharacter, rest.start);
  if (tokens.length === 0) throw line.error('ARG needs an argument');
  const declared = tokens.map((token) => {
    if (!token.text.includes('=')) return { name: token.text };
    const { key, value } = pairOf(args, token);
    return { name: key, value };
  });
  return { kind: 'arg', ...base, args: declared };
}
