/**
 * Variables in the words of a Dockerfile (reference, "Environment replacement"): `$name`, `${name}` and its modifiers;
 * quotes and escapes are removed as a shell does. Total: a word is expanded or a CtrError is thrown.
 */
import { CtrError } from '../base/ctr-error.ts';
import { replacePattern, trimEnd, trimStart } from './shell-pattern.ts';

export interface Variables {
  /** The value, undefined when unset. */
  lookup(name: string): string | undefined;
  readonly escape: '\\' | '`';
  /** Told of every name that is used; for warnings. */
  noticed?(name: string, isSet: boolean): void;
}

interface Cursor {
  readonly text: string;
  at: number;
  readonly variables: Variables;
  /** Here-documents: quotes are ordinary characters. */
  readonly quotes: boolean;
  depth: number;
}

/** One word stays one word, whatever blanks its variables bring in. */
export function expandWord(word: string, variables: Variables): string {
  return expandUntil({ text: word, at: 0, variables, quotes: true, depth: 0 }, undefined, false);
}

/** The content of a here-document: quotes mean nothing, `\` escapes `$`. */
export function expandContent(content: string, variables: Variables): string {
  const cursor = { text: content, at: 0, variables: { ...variables, escape: '\\' as const }, quotes: false, depth: 0 };
  return expandUntil(cursor, undefined, false);
}

/** More than anybody writes; a limit on how deep `${a:-${b:-…}}` makes us recurse. */
const maxDepth = 100;

/** Up to the stop character, which is consumed. `rawEscapes`: escapes stay, because a pattern is read. */
function expandUntil(cursor: Cursor, stop: '}' | '/' | undefined, rawEscapes: boolean): string {
  if (++cursor.depth > maxDepth) throw new CtrError('INVALID', `variables are nested more than ${maxDepth} deep`);
  const { text, variables, quotes } = cursor;
  let result = '';
  while (cursor.at < text.length) {
    const char = text.charAt(cursor.at);
    if (char === stop) {
      cursor.at++;
      cursor.depth--;
      return result;
    }
    if (char === '$') result += expandDollar(cursor);
    else if (quotes && char === "'") result += singleQuoted(cursor);
    else if (quotes && char === '"') result += doubleQuoted(cursor, rawEscapes);
    else if (char === variables.escape) result += escaped(cursor, rawEscapes);
    else {
      result += char;
      cursor.at++;
    }
  }
  if (stop !== undefined) throw bad(cursor, `a ${stop} is missing`);
  cursor.depth--;
  return result;
}

/** The escape character takes the meaning of the next one away; kept where a pattern is read. */
function escaped(cursor: Cursor, raw: boolean): string {
  const char = cursor.text.charAt(cursor.at);
  const next = cursor.text.charAt(cursor.at + 1);
  cursor.at += 2;
  return raw ? char + next : next;
}

function singleQuoted(cursor: Cursor): string {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end < 0) throw bad(cursor, 'a single quote is not closed');
  const content = cursor.text.slice(cursor.at + 1, end);
  cursor.at = end + 1;
  return content;
}

function doubleQuoted(cursor: Cursor, rawEscapes: boolean): string {
  const { text, variables } = cursor;
  let result = '';
  cursor.at++;
  while (cursor.at < text.length) {
    const char = text.charAt(cursor.at);
    if (char === '"') {
      cursor.at++;
      return result;
    }
    if (char === '$') {
      result += expandDollar(cursor);
      continue;
    }
    const next = text.charAt(cursor.at + 1);
    if (char === variables.escape && next !== '' && ['"', '$', variables.escape].includes(next)) {
      result += rawEscapes ? char + next : next;
      cursor.at += 2;
      continue;
    }
    result += char;
    cursor.at++;
  }
  throw bad(cursor, 'a double quote is not closed');
}

function expandDollar(cursor: Cursor): string {
  cursor.at++;
  if (cursor.text.charAt(cursor.at) === '{') return expandBraces(cursor);
  const name = readName(cursor);
  return name === '' ? '$' : (valueNamed(cursor, name) ?? '');
}

/** `name`, digits, or one of the shell's special parameters, which are never set here. */
function readName(cursor: Cursor): string {
  const [name = ''] =
    /^(?:\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*)/u.exec(cursor.text.slice(cursor.at, cursor.at + 4096)) ?? [];
  cursor.at += name.length;
  return name;
}

function valueNamed(cursor: Cursor, name: string): string | undefined {
  const value = cursor.variables.lookup(name);
  cursor.variables.noticed?.(name, value !== undefined);
  return value;
}

function expandBraces(cursor: Cursor): string {
  const start = cursor.at - 1;
  cursor.at++;
  const name = readName(cursor);
  if (name === '') throw bad(cursor, 'bad substitution: a name is missing behind ${', start);
  const operator = cursor.text.charAt(cursor.at);
  if (operator === '') throw bad(cursor, 'a } is missing', start);
  cursor.at++;
  if (operator === '}') return valueNamed(cursor, name) ?? '';
  if (operator === '#' || operator === '%') return trimmed(cursor, name, operator);
  if (operator === '/') return replaced(cursor, name);
  const colon = operator === ':';
  const modifier = colon ? cursor.text.charAt(cursor.at++) : operator;
  if (!['-', '+', '?'].includes(modifier)) {
    throw bad(cursor, `unsupported modifier ${JSON.stringify(colon ? `:${modifier}` : modifier)}`, start);
  }
  return defaulted(cursor, name, modifier, colon);
}

/** `-`, `+`, `?`; with a colon an empty value counts as unset. */
function defaulted(cursor: Cursor, name: string, modifier: string, emptyIsUnset: boolean): string {
  const word = expandUntil(cursor, '}', false);
  const value = modifier === '-' || modifier === '+' ? cursor.variables.lookup(name) : valueNamed(cursor, name);
  const isSet = value !== undefined && !(emptyIsUnset && value === '');
  if (modifier === '-') return isSet ? value : word;
  if (modifier === '+') return isSet ? word : '';
  if (isSet) return value;
  const reason = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
  throw new CtrError('INVALID', `${name}: ${word || reason}`);
}

function trimmed(cursor: Cursor, name: string, operator: '#' | '%'): string {
  const longest = cursor.text.charAt(cursor.at) === operator;
  if (longest) cursor.at++;
  const pattern = expandUntil(cursor, '}', true);
  const value = valueNamed(cursor, name) ?? '';
  return (operator === '#' ? trimStart : trimEnd)(value, pattern, longest);
}

function replaced(cursor: Cursor, name: string): string {
  const every = cursor.text.charAt(cursor.at) === '/';
  if (every) cursor.at++;
  const pattern = expandUntil(cursor, '/', true);
  const replacement = expandUntil(cursor, '}', true).replace(/\\([/}\\])/g, '$1');
  return replacePattern(valueNamed(cursor, name) ?? '', pattern, replacement, every);
}

function bad(cursor: Cursor, message: string, from = 0): CtrError {
  const text = cursor.text.length > 200 ? `${cursor.text.slice(from, from + 200)}…` : cursor.text;
  return new CtrError('INVALID', `cannot expand ${JSON.stringify(text)}: ${message}`);
}
