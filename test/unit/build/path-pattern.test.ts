import { describe, expect, it } from 'vitest';
import { pathPattern } from '../../../src/build/path-pattern.ts';

describe('pathPattern [U] path.Match', () => {
  it.each([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'd/a.txt', false],
    ['*', '.hidden', true],
    ['d*/f', 'dir/f', true],
    ['?', 'ä', true],
    ['[ab]', 'b', true],
    ['[!a]', '!', true],
    ['[a-c]x', 'bx', true],
    ['[^/]', '/', false],
    ['a\\*b', 'a*b', true],
    ['**/x', 'x', true],
    ['**/x', 'a/b/x', true],
    ['a/**/x', 'a/x', true],
    ['a.b', 'aXb', false],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(pathPattern(pattern).test(path)).toBe(expected);
  });

  it('refuses a set that is not closed', () => {
    expect(() => pathPattern('a[b')).toThrow(SyntaxError);
  });
});
