/** Patterns inside `${…}` (POSIX shell, 2.13 "Pattern Matching Notation", without bracket expressions). */
import { CtrError } from '../base/ctr-error.ts';

/** `${name#pattern}`, `##`: the value without its shortest or longest beginning that matches. */
export function trimStart(value: string, pattern: string, longest: boolean): string {
  const match = new RegExp(`^${regularExpression(pattern, longest)}`, 'su').exec(value);
  return match ? value.slice(match[0].length) : value;
}

/** `${name%pattern}`, `%%`: without its shortest or longest end that matches. */
export function trimEnd(value: string, pattern: string, longest: boolean): string {
  const before = longest ? '[\\s\\S]*?' : '[\\s\\S]*';
  const match = new RegExp(`^(${before})${regularExpression(pattern, true)}$`, 'su').exec(value);
  return match ? (match[1] ?? '') : value;
}

/** `${name/pattern/replacement}`, `//`: the first or every match, each as long as possible. */
export function replacePattern(value: string, pattern: string, replacement: string, every: boolean): string {
  if (pattern === '') return value;
  const expression = new RegExp(regularExpression(pattern, true), every ? 'gsu' : 'su');
  return value.replace(expression, () => replacement);
}

/** `*` and `?` are wild; `\` takes the meaning of the next character away. */
function regularExpression(pattern: string, greedy: boolean): string {
  return pattern.replace(/\\([\s\S]?)|[\s\S]/gu, (char, escaped: string | undefined) => {
    if (char === '*') return greedy ? '.*' : '.*?';
    if (char === '?') return '.';
    if (escaped === '') throw new CtrError('INVALID', `the pattern ${JSON.stringify(pattern)} ends with a backslash`);
    return literal(escaped ?? char);
  });
}

const literal = (char: string) => (/[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char);
