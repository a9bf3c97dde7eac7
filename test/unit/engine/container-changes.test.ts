import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changesIn, namesToPack } from '../../../src/engine/container-changes.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(`${tmpdir()}/ctr-changes-`);
});
afterEach(() => rmSync(scratch, { recursive: true }));

function tree(name: string, paths: readonly string[]): string {
  for (const path of paths) {
    const whole = `${scratch}/${name}/${path}`;
    mkdirSync(path.endsWith('/') ? whole : whole.slice(0, whole.lastIndexOf('/')), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(whole, '');
  }
  return `${scratch}/${name}`;
}

const shown = (upper: string, lower: string, points: readonly string[] = []) =>
  changesIn(upper, lower, points).map(({ kind, path }) => `${kind} ${path}`);

describe('what an upper directory changes [U]', () => {
  it('is added where nothing is below, and changed where something is', () => {
    const [upper, lower] = [tree('u', ['etc/new', 'etc/passwd', 'srv/a/b']), tree('l', ['etc/passwd', 'etc/group'])];
    expect(shown(upper, lower)).toEqual(['C /etc', 'A /etc/new', 'C /etc/passwd', 'A /srv', 'A /srv/a', 'A /srv/a/b']);
  });

  it('is not a mount point, nor a directory that is there for its sake', () => {
    const [upper, lower] = [tree('u', ['etc/hosts', 'run/.containerenv', 'proc/', 'etc/kept/']), tree('l', ['etc/'])];
    const points = ['/etc/hosts', '/run/.containerenv', '/proc'];
    expect(shown(upper, lower, points)).toEqual(['C /etc', 'A /etc/kept']);
    rmSync(`${upper}/etc/kept`, { recursive: true });
    expect(shown(upper, lower, points)).toEqual([]);
  });

  it('is packed with its parents and nothing else', () => {
    const [upper, lower] = [tree('u', ['a/b/c', 'x/']), tree('l', ['a/b/', 'x/'])];
    const names = namesToPack(changesIn(upper, lower, ['/x']));
    expect([...names].sort()).toEqual(['a', 'a/b', 'a/b/c']);
  });
});
