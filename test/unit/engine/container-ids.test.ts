import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composed, keepId } from '../../../src/engine/container-ids.ts';
import type { IdMaps } from '../../../src/ns/id-maps.ts';
import type { IdMapping } from '../../../src/oci/runtime.ts';

const own = 1000;
const ranges: IdMapping[] = [
  { containerID: 0, hostID: own, size: 1 },
  { containerID: 1, hostID: 100_000, size: 500 },
  { containerID: 501, hostID: 300_000, size: 65_036 },
];
const usual: IdMaps = { kind: 'subordinate', uid: ranges, gid: ranges };
const hostId = (map: readonly IdMapping[], id: number) => {
  const range = map.find(({ containerID, size }) => containerID <= id && id < containerID + size);
  return range && range.hostID + id - range.containerID;
};
const keep = (uid: number, exact: boolean) => keepId({ uid: own, gid: own }, usual, { uid, gid: uid, exact });
const anyId = fc.integer({ min: 0, max: 70_000 });

describe('keepId [U] podman-run(1) "--userns=keep-id"', () => {
  it('makes the caller the wanted user, whichever it is', () => {
    fc.assert(
      fc.property(anyId, fc.boolean(), (uid, exact) => {
        expect(hostId(keep(uid, exact).maps.uid, uid)).toBe(own);
      }),
    );
  });

  it('gives no id of the host twice', () => {
    fc.assert(
      fc.property(anyId, fc.boolean(), (uid, exact) => {
        const sorted = keep(uid, exact).maps.uid.toSorted((a, b) => a.hostID - b.hostID);
        for (const [index, range] of sorted.entries()) {
          const next = sorted[index + 1];
          if (next) expect(range.hostID + range.size).toBeLessThanOrEqual(next.hostID);
        }
      }),
    );
  });

  it('leaves every id but 0 and the wanted one in its place, so that the layers fit as they are', () => {
    const { maps, ownerKind } = keep(1000, false);
    expect(ownerKind).toBe('m');
    expect(hostId(maps.uid, 0)).toBe(hostId(ranges, 1000));
    for (const id of [1, 33, 500, 501, 999, 1001, 65_534]) expect(hostId(maps.uid, id)).toBe(hostId(ranges, id));
  });

  it('has layers of its own for the exact map, the same for every container', () => {
    expect(keep(1000, true).ownerKind).toMatch(/^x[0-9a-f]{8}$/);
    expect(keep(1000, true).ownerKind).toBe(keep(1000, true).ownerKind);
    expect(keep(1001, true).ownerKind).not.toBe(keep(1000, true).ownerKind);
  });

  it('has one id in single-id mode', () => {
    const single: IdMaps = { kind: 'single', uid: ranges.slice(0, 1), gid: ranges.slice(0, 1) };
    const { maps, ownerKind } = keepId({ uid: own, gid: own }, single, { exact: false });
    expect([maps.uid, ownerKind]).toEqual([[{ containerID: 1000, hostID: own, size: 1 }], 's']);
  });
});

describe('composed [U] --uidmap', () => {
  it('cuts a range where the ranges of the host are cut', () => {
    expect(composed(ranges, [{ container: 10, from: 499, size: 4 }])).toEqual([
      { containerID: 10, hostID: 100_498, size: 2 },
      { containerID: 12, hostID: 300_000, size: 2 },
    ]);
  });

  it('refuses an id that the user does not have', () => {
    expect(() => composed(ranges, [{ container: 0, from: 65_530, size: 10 }])).toThrow('is not among the');
  });
});
