import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGetSubIds, parseSubIds, subIdSources } from '../../../src/linux/subids.ts';

const ann = { name: 'ann', uid: 1000 };

describe('parseSubIds [U] subuid(5)', () => {
  it('finds ranges by name and by numeric uid, in file order', () => {
    const text = 'bob:100000:65536\nann:165536:65536\n1000:231072:10\n';
    expect(parseSubIds(text, ann)).toEqual([
      { start: 165536, count: 65536 },
      { start: 231072, count: 10 },
    ]);
  });

  it('counts a repeated range once', () => {
    expect(parseSubIds('ann:100000:65536\n1000:100000:65536', ann)).toHaveLength(1);
  });

  it('takes a user without a name by uid only, never an empty owner', () => {
    expect(parseSubIds(':100:5\n1000:200:5', { name: undefined, uid: 1000 })).toEqual([{ start: 200, count: 5 }]);
    expect(parseSubIds(':100:5', { name: '', uid: 1000 })).toEqual([]);
  });

  it.each(['ann:x:5', 'ann:5', 'ann:5:0', 'ann:-5:3', 'ann:4294967295:1', 'ann:1:2:3', '#ann:1:2', ''])(
    'skips the line %j',
    (line) => {
      expect(parseSubIds(line, ann)).toEqual([]);
    },
  );

  it('returns only ranges of valid ids, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('ann', '1000', 'x'), fc.nat(2 ** 33), fc.nat(2 ** 33))),
        (lines) => {
          const text = lines.map((line) => line.join(':')).join('\n');
          for (const { start, count } of parseSubIds(text, ann)) {
            expect(count).toBeGreaterThan(0);
            expect(start + count).toBeLessThanOrEqual(0xffff_ffff);
          }
        },
      ),
    );
  });
});

describe('subIdSources [U] nsswitch.conf(5)', () => {
  it('is files without a subid line', () => {
    expect(subIdSources('passwd: files sss\n')).toEqual(['files']);
  });

  it('lists the sources of the subid line without its comment', () => {
    expect(subIdSources('passwd: files\nsubid:  sss files # directory\n')).toEqual(['sss', 'files']);
  });
});

describe('parseGetSubIds [U] getsubids(1)', () => {
  it('reads one range per line', () => {
    expect(parseGetSubIds('0: ann 100000 65536\n1: ann 300000 10\n')).toEqual([
      { start: 100000, count: 65536 },
      { start: 300000, count: 10 },
    ]);
  });

  it('finds nothing in an error message', () => {
    expect(parseGetSubIds('Error fetching ranges\n')).toEqual([]);
  });
});
