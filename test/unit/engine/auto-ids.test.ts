import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeRange } from '../../../src/engine/auto-ids.ts';
import type { IdRange } from '../../../src/engine/sandbox-request.ts';

const available = 65_536;
const ids = ({ from, size }: Pick<IdRange, 'from' | 'size'>) =>
  Array.from({ length: size }, (_, index) => from + index);
const inside = ({ container, size }: Pick<IdRange, 'container' | 'size'>) => ids({ from: container, size });

describe('placeRange [U] podman-run(1) "--userns=auto"', () => {
  it('gives nobody an id twice, and every number below the size one', () => {
    const size = fc.integer({ min: 1, max: 40 });
    const mapping = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(size, mapping), { maxLength: 8 }), (containers) => {
        const taken: IdRange[] = [];
        for (const [length, places] of containers) {
          // Ids of other users' choice: far away from those that are given out.
          const uid = [...new Set(places)].map((container, index) => ({ container, from: 60_000 + index, size: 1 }));
          const chosen = placeRange({ uid, gid: [] }, length, { available, taken });
          for (const ranges of [chosen.uid, chosen.gid]) {
            const numbers = ranges.flatMap(inside);
            expect(new Set(numbers).size).toBe(numbers.length);
            for (let id = 0; id < length; id++) expect(numbers).toContain(id);
          }
          const own = chosen.gid.flatMap(ids);
          const others = new Set(taken.flatMap(ids));
          expect(own.filter((id) => others.has(id) || id < 1)).toEqual([]);
          taken.push(...chosen.gid);
        }
      }),
    );
  });

  it('takes the lowest free place', () => {
    const none = { uid: [], gid: [] };
    const taken = [
      { from: 1, size: 10 },
      { from: 31, size: 10 },
    ];
    expect(placeRange(none, 20, { available, taken }).uid).toEqual([{ container: 0, from: 11, size: 20 }]);
    expect(placeRange(none, 21, { available, taken }).uid).toEqual([{ container: 0, from: 41, size: 21 }]);
    expect(placeRange(none, available, { available, taken: [] }).uid).toEqual([
      { container: 0, from: 1, size: available },
    ]);
  });

  it('says what is free when nothing fits', () => {
    const full = [{ from: 1, size: 60_000 }];
    expect(() => placeRange({ uid: [], gid: [] }, 10_000, { available, taken: full })).toThrow(/10000 ids in a row/);
  });
});
