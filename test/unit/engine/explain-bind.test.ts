import { describe, expect, it } from 'vitest';
import { explainOwner, insideId, refusedTo } from '../../../src/engine/explain-bind.ts';

const map = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100_000, size: 65_536 },
];
const maps = { uid: map, gid: map };
const explain = (uid: number) => explainOwner('/srv/x', { uid, gid: uid, mode: 0o40750 }, maps, 1000);

describe('insideId [U] user_namespaces(7)', () => {
  it.each([
    [1000, 0],
    [100_000, 1],
    [100_999, 1000],
    [165_535, 65_536],
    [165_536, undefined],
    [0, undefined],
  ])('shows host id %i as %s', (host, inside) => expect(insideId(host, map)).toBe(inside));
});

describe('explainOwner [U]', () => {
  it('says who owns a path on both sides', () => {
    expect(explain(1000).line).toBe('/srv/x belongs to 1000:1000 on this host, mode 0750; in the container to 0:0');
  });

  it.each([
    [1000, /:me\).*-u 0.*keep-id.*:U/],
    [100_999, /subordinate id/],
    [0, /another user's/],
  ])('has for an owner of %i the flag that helps', (uid, hint) => expect(explain(uid).hint).toMatch(hint));
});

describe('refusedTo [U] path_resolution(7)', () => {
  const user = (uid: number, gid = uid, additionalGids: readonly number[] = []) => ({ uid, gid, additionalGids });
  it.each([
    ['root, of what is mapped', user(0), 100_999, 0o000, 0],
    ['root, of what is nobody’s', user(0), 0, 0o750, 7],
    ['the owner', user(1000), 100_999, 0o700, 0],
    ['the owner, who has less than others', user(1000), 100_999, 0o077, 7],
    ['the group', user(5, 1000), 100_999, 0o750, 2],
    ['an additional group', user(5, 5, [1000]), 100_999, 0o750, 2],
    ['all others', user(5), 100_999, 0o755, 2],
  ])('%s', (_who, who, owner, mode, refused) => {
    expect(refusedTo(who, { uid: owner, gid: owner, mode: 0o40000 | mode }, maps, 7)).toBe(refused);
  });
});
