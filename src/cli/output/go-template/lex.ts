/**
 * Go template source → tokens (pkg.go.dev/text/template, "Text and spaces" and "Actions"): plain text outside of
 * `{{ }}`, and the words within. Trim markers and comments are resolved here.
 */
import { CtrError } from '../../../base/ctr-error.ts';

export type Token =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'open' | 'close'; readonly at: number }
  | {
      readonly kind: 'field' | 'variable' | 'word' | 'number' | 'string' | 'char' | 'mark';
      readonly text: string;
      readonly at: number;
      /** Whether space stands before it: `.A.B` is one operand, `.A .B` are two. */
      readonly spaced: boolean;
    };

export type WordToken = Extract<Token, { spaced: boolean }>;

const patterns: ReadonlyArray<readonly [WordToken['kind'], RegExp]> = [
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.[0-9a-fA-F]*)'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['mark', /:=|[=|(),.]/y],
];

export function lex(name: string, source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const text = source.slice(at, open === -1 ? undefined : open);
    const trimsLeft = open !== -1 && /^-\s/.test(source.slice(open + 2, open + 4));
    if (text !== '') tokens.push({ kind: 'text', text: trimsLeft ? text.replace(/[ \t\r\n]+$/, '') : text, at });
    if (open === -1) break;
    at = lexAction(name, source, open, open + (trimsLeft ? 3 : 2), tokens);
  }
  return tokens;
}

/** Lex from after `{{` to after `}}` and the space that `-}}` trims; returns where text goes on. */
function lexAction(name: string, source: string, open: number, from: number, tokens: Token[]): number {
  const comment = /\s*\/\*[\s\S]*?\*\/(\s-)?\s*}}/y;
  comment.lastIndex = from;
  const found = comment.exec(source);
  if (found) return skipSpace(source, comment.lastIndex, found[1] !== undefined);
  tokens.push({ kind: 'open', at: open });
  for (let at = from; ; ) {
    const afterSpace = skipSpace(source, at, true);
    const spaced = afterSpace > at;
    const trims = spaced && source.startsWith('-}}', afterSpace);
    if (trims || source.startsWith('}}', afterSpace)) {
      tokens.push({ kind: 'close', at: afterSpace });
      return skipSpace(source, afterSpace + (trims ? 3 : 2), trims);
    }
    if (afterSpace >= source.length) throw templateError(name, source, open, 'unclosed action');
    const token = lexWord(name, source, afterSpace, spaced);
    tokens.push(token);
    at = afterSpace + token.text.length;
  }
}

function lexWord(name: string, source: string, at: number, spaced: boolean): WordToken {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return { kind, text, at, spaced };
  }
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
  const what = `"'\``.includes(char) ? 'unterminated quoted string' : `unexpected ${JSON.stringify(char)} in command`;
  throw templateError(name, source, at, what);
}

function skipSpace(source: string, from: number, wanted: boolean): number {
  const space = /[ \t\r\n]*/y;
  space.lastIndex = from;
  return wanted && space.test(source) ? space.lastIndex : from;
}

/** An error with its place as Go prints it: `template: name:line:column: message`. */
export function templateError(name: string, source: string, at: number, message: string): CtrError {
  const before = source.slice(0, at).split('\n');
  const column = before.at(-1)?.length ?? 0;
  return new CtrError('USAGE', `template: ${name}:${before.length}:${column}: ${message}`);
}
