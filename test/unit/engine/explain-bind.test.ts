import { describe, expect, it } from 'vitest';
import { explainOwner, insideId } from '../../../src/engine/explain-bind.ts';

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
    [1000, /-u 0.*keep-id.*:U/],
    [100_999, /subordinate id/],
    [0, /another user's/],
  ])('has for an owner of %i the flag that helps', (uid, hint) => expect(explain(uid).hint).toMatch(hint));
});
