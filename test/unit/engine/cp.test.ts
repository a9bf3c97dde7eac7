import { describe, expect, it } from 'vitest';
import { parseCopyEnd } from '../../../src/engine/cp.ts';

describe('the arguments of ctr cp [U]', () => {
  it.each([
    ['web:/etc/x', { kind: 'container', container: 'web', path: '/etc/x' }],
    ['web:etc', { kind: 'container', container: 'web', path: '/etc' }],
    ['web:', { kind: 'container', container: 'web', path: '/' }],
    ['web:/a:b/.', { kind: 'container', container: 'web', path: '/a:b/.' }],
    ['./a:b', { kind: 'host', path: './a:b' }],
    ['/x:y', { kind: 'host', path: '/x:y' }],
    ['plain', { kind: 'host', path: 'plain' }],
    [':x', { kind: 'host', path: ':x' }],
    ['-', { kind: 'stream' }],
  ])('%s', (text, end) => {
    expect(parseCopyEnd(text)).toEqual(end);
  });
});
