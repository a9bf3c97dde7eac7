import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoted } from '../../../../src/image/layer/byte-string.ts';
import { formatOwners, parseOwners } from '../../../../src/image/layer/owners.ts';
import { decodePax, encodePax, formatPaxTime, paxTime } from '../../../../src/image/layer/pax.ts';
import { decodeHeader, encodeHeader } from '../../../../src/image/layer/tar-header.ts';

const byteString = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const key = fc.stringMatching(/^[A-Za-z.]{1,30}$/);

describe('pax [U] POSIX "pax Extended Header"', () => {
  it('reads the records that it writes, whatever their bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, byteString), { maxLength: 8 }), (records) => {
        expect(decodePax(encodePax(records))).toEqual(records);
      }),
    );
  });

  it('counts its own length, also where that adds a digit', () => {
    for (let size = 1; size < 1100; size++) {
      const record = encodePax([['a', 'b'.repeat(size)]]);
      expect(Number.parseInt(record.toString(), 10)).toBe(record.length);
    }
  });

  it('keeps times to the nanosecond, also before 1970', () => {
    const time = fc.record({
      seconds: fc.integer({ min: -1e10, max: 1e10 }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    });
    fc.assert(
      fc.property(time, (wanted) => {
        expect(paxTime(formatPaxTime(wanted))).toEqual(wanted);
      }),
    );
  });
});

describe('tar header [U] POSIX ustar', () => {
  it('reads the fields that it writes', () => {
    const name = fc.stringMatching(/^[!-~]{1,100}$/);
    const fields = fc.record({
      name,
      linkName: name,
      flag: fc.constantFrom('0', '1', '2', '5', '6'),
      mode: fc.nat(0o7777),
      uid: fc.nat(2_097_151),
      gid: fc.nat(2_097_151),
      size: fc.nat(8 ** 11 - 1),
      mtimeSeconds: fc.nat(8 ** 11 - 1),
    });
    fc.assert(
      fc.property(fields, ({ mtimeSeconds, ...wanted }) => {
        const read = decodeHeader(encodeHeader({ ...wanted, mtimeSeconds }));
        expect(read).toEqual({ ...wanted, mtime: { seconds: mtimeSeconds, nanoseconds: 0 } });
      }),
    );
  });
});

describe('owners file [U]', () => {
  it('reads what it writes, whatever bytes names have', () => {
    const id = fc.nat(2 ** 32 - 2);
    const owner = fc.record({ uid: id, gid: id, mode: fc.nat(0o7777) });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(byteString, owner), { selector: ([path]) => path }), (owners) => {
        expect([...parseOwners(formatOwners(owners))]).toEqual(owners);
      }),
    );
  });

  it('refuses a damaged line', () => {
    expect(() => parseOwners('0 0 644\n')).toThrow(/damaged line/);
  });
});

describe('quoted [U]', () => {
  it('lets no control character through', () => {
    fc.assert(
      fc.property(byteString, (bytes) => {
        expect(quoted(bytes)).toMatch(/^[^\x00-\x1f\x7f-\x9f\u202a-\u202e]*$/);
      }),
    );
  });
});
