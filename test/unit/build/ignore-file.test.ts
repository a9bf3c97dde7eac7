import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from '../../../src/build/ignore-file.ts';

const ignores = (text: string, path: string) => parseIgnoreFile(text, '.dockerignore').isIgnored(path);

describe('parseIgnoreFile [U] reference ".dockerignore file"', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'a/b', true],
    ['a', 'b/a', false],
    ['/a', 'a', true],
    ['a/', 'a/b', true],
    ['./a', 'a', true],
    ['b/../a', 'a', true],
    ['*/temp*', 'x/temporary.txt', true],
    ['*/temp*', 'x/y/temp', false],
    ['*/*/temp*', 'x/y/temp', true],
    ['temp?', 'tempa', true],
    ['temp?', 'temp', false],
    ['temp?', 'temp/', false],
    ['**/*.go', 'x.go', true],
    ['**/*.go', 'a/b/x.go', true],
    ['**', 'anything/at/all', true],
    ['**/', 'anything', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'a', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['**/foo/bar', 'foo/bar', true],
    ['**/foo/bar', 'dir/foo/bar', true],
    ['abc/**', 'abc/def/ghi', true],
    ['**/.foo', 'bar.foo', false],
    ['a*', 'abc/d', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'dx', true],
    ['[^a-c]x', 'bx', false],
    ['[\\]]', ']', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a.b', 'axb', false],
    ['a+(b)', 'a+(b)', true],
    ['# comment', '# comment', false],
    ['\\#a', '#a', true],
    ['  a  ', 'a', true],
    ['*\n!README.md', 'README.md', false],
    ['*\n!README.md', 'other', true],
    ['*.md\n!README*.md\nREADME-secret.md', 'README-secret.md', true],
    ['*.md\nREADME-secret.md\n!README*.md', 'README-secret.md', false],
    ['a\n!a/b', 'a/b', false],
    ['a\n!a/b', 'a/b/c', false],
    ['a\n!a/b', 'a/c', true],
    ['a\n!a/b\na/b/c', 'a/b/c', true],
    ['**\n!**/*.js', 'x/y.js', false],
    ['!a', 'a', false],
    ['*\n! a', 'a', false],
    ['\uFEFFa', 'a', true],
    ['a\r\nb', 'a', true],
    ['ä?', 'äö', true],
  ])('%j and the path %s: %s', (text, path, expected) => {
    expect(ignores(text, path)).toBe(expected);
  });

  it.each([
    ['a\n!a/b', 'a', true],
    ['a\n!b/c', 'a', false],
    ['*\n!a/*/c', 'a/x', true],
    ['*\n!**/c', 'a/x/y', true],
    ['*\n!a', 'a/b', true],
    ['a', 'a', false],
  ])('%j: whether %s may contain exceptions: %s', (text, directory, expected) => {
    expect(parseIgnoreFile(text, '.dockerignore').mayContainExceptions(directory)).toBe(expected);
  });

  it.each(['!', 'a[', 'ok\n[a-'])('refuses %j and names the line', (text) => {
    expect(() => parseIgnoreFile(text, '.dockerignore')).toThrow(/^\.dockerignore:\d: /);
  });

  it('keeps its patterns for cache keys', () => {
    expect(parseIgnoreFile('# x\n /a/ \n!b/./c\n\n', 'f').patterns).toEqual(['a', '!b/c']);
  });
});
