import { describe, expect, it } from 'vitest';
import { lookUpUser } from '../../../src/engine/user-lookup.ts';

const files = {
  passwd: [
    'root:x:0:0:root:/root:/bin/sh',
    '# comment:x:9:9::/:',
    'broken',
    'app:x:1000:1001:App:/home/app:/bin/sh',
    '500:x:7:7::/seven:/bin/sh',
    'nohome:x:12:12:::/bin/sh',
    '',
  ].join('\n'),
  group: ['root:x:0:', 'app:x:1001:', 'wheel:x:10:app,root', 'video:x:44:app', 'bad:x:y:app', ''].join('\n'),
};
const look = (spec: string, groupAdd: readonly string[] = []) => lookUpUser(spec, files, groupAdd);

describe('lookUpUser [U] passwd(5), podman-run(1) "--user"', () => {
  it('means root when nothing is said', () => {
    expect(look('')).toEqual({ uid: 0, gid: 0, additionalGids: [10], home: '/root', name: 'root' });
  });

  it.each(['app', '1000'])('finds %s with its group, its home and its memberships', (spec) => {
    expect(look(spec)).toEqual({ uid: 1000, gid: 1001, additionalGids: [10, 44], home: '/home/app', name: 'app' });
  });

  it('takes a number that no entry has: group 0, home /', () => {
    expect(look('4242')).toEqual({ uid: 4242, gid: 0, additionalGids: [], home: '/', name: undefined });
  });

  it('prefers a name that looks like a number', () => {
    expect(look('500').uid).toBe(7);
  });

  it.each([
    ['app:video', 1000, 44],
    ['app:5', 1000, 5],
    ['7:0', 7, 0],
    [':video', 0, 44],
  ])('reads %s, and drops the memberships for the given group', (spec, uid, gid) => {
    expect(look(spec)).toMatchObject({ uid, gid, additionalGids: [] });
  });

  it('adds groups by name and number, each once', () => {
    expect(look('app', ['video', '99', '10', 'keep-groups']).additionalGids).toEqual([10, 44, 99]);
  });

  it('has the home / for an entry without one', () => {
    expect(look('nohome').home).toBe('/');
  });

  it('works without the files', () => {
    expect(lookUpUser('', { passwd: '', group: '' })).toMatchObject({ uid: 0, gid: 0, home: '/' });
  });

  it.each([
    ['ghost', 'user "ghost" is not in /etc/passwd'],
    ['app:ghost', 'group "ghost" is not in /etc/group'],
    ['4294967295', 'too large'],
    ['-1', 'user "-1" is not in'],
  ])('refuses %s, saying %s', (spec, why) => {
    expect(() => look(spec)).toThrow(why);
  });
});
