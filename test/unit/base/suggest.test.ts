import { describe, expect, it } from 'vitest';
import { suggest } from '../../../src/base/suggest.ts';

const known = ['images', 'image', 'inspect', 'run', 'rm', 'rmi', 'ps', 'pull', 'push'];

describe('suggest [U]', () => {
  it.each([
    ['imags', ['image', 'images']],
    ['rnu', ['run']],
    ['pul', ['pull']],
    ['insp', ['inspect']],
    ['xyzzy', []],
    ['q', []],
  ])('for %s offers %j', (word, meant) => {
    expect(suggest(word, known).sort()).toEqual(meant);
  });
});
