/** `--name=value` between an instruction's keyword and its arguments. */
import type { Token } from './words.ts';

export interface Flag extends Token {
  readonly name: string;
  /** Quotes and escapes removed; absent for `--name`. */
  readonly value?: string;
}

/** The flags from an offset on, and the rest of the line behind them. `--` ends them. */
export function splitFlags(line: string, from: number): { readonly flags: Flag[]; readonly rest: Token } {
  const flags: Flag[] = [];
  let at = from;
  for (;;) {
    const start = skipSpaces(line, at);
    if (!line.startsWith('--', start)) return { flags, rest: restOf(line, start) };
    const word = unquotedWord(line, start);
    at = word.end;
    if (word.text === '--') return { flags, rest: restOf(line, skipSpaces(line, at)) };
    const [, name = '', value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word.text) ?? [];
    flags.push({ ...word, name, ...(value === undefined ? {} : { value }) });
  }
}

function restOf(line: string, start: number): Token {
  const text = line.slice(start).trimEnd();
  return { text, start, end: start + text.length };
}

function skipSpaces(line: string, from: number): number {
  const found = line.slice(from).search(/\S/);
  return found < 0 ? line.length : from + found;
}

function unquotedWord(line: string, start: number): Token {
  let text = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const char = line.charAt(at);
    if (quote === '' && /\s/.test(char)) break;
    if (char === '\\' && at + 1 < line.length) text += line.charAt(++at);
    else if (quote === char) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else text += char;
  }
  return { text, start, end: at };
}
