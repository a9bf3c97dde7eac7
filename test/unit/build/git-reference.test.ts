import { describe, expect, it } from 'vitest';
import { parseGitReference } from '../../../src/build/git-reference.ts';

const read = (text: string) => {
  const { written: _, ...rest } = parseGitReference(text) ?? { written: '' };
  return rest;
};

describe('parseGitReference [U]', () => {
  it.each([
    ['https://h.test/a/b.git', { remote: 'https://h.test/a/b.git' }],
    ['https://h.test/b.git#main', { remote: 'https://h.test/b.git', ref: 'main' }],
    ['https://h.test/b.git#v1:sub/dir', { remote: 'https://h.test/b.git', ref: 'v1', subdirectory: 'sub/dir' }],
    ['https://h.test/b.git#:sub', { remote: 'https://h.test/b.git', subdirectory: 'sub' }],
    ['git@h.test:a/b', { remote: 'git@h.test:a/b' }],
    ['git@h.test:a/b.git#x', { remote: 'git@h.test:a/b.git', ref: 'x' }],
    ['ssh://git@h.test:22/b', { remote: 'ssh://git@h.test:22/b' }],
    ['git://h.test/b#t', { remote: 'git://h.test/b', ref: 't' }],
    ['https://h.test/b.git?branch=m', { remote: 'https://h.test/b.git', ref: 'refs/heads/m' }],
    ['https://h.test/b.git?tag=v1&commit=abc', { remote: 'https://h.test/b.git', ref: 'refs/tags/v1', commit: 'abc' }],
    [
      'https://h.test/b.git?subdir=x&keep-git-dir=1',
      { remote: 'https://h.test/b.git', subdirectory: 'x', keepGitDir: true },
    ],
    ['https://h.test/b.git?submodules=false', { remote: 'https://h.test/b.git', submodules: false }],
  ])('%s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each(['https://h.test/a.tar.gz', 'https://h.test/b.git/x', 'a/b.git', './x', 'h.test/a/b.git', 'C:\\x'])(
    '%s is none',
    (text) => {
      expect(parseGitReference(text)).toBeUndefined();
    },
  );
});
