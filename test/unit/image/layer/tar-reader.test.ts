import fc from 'fast-check';
import { pack as tarStreamPack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { type TarEntry, TarReader } from '../../../../src/image/layer/tar-reader.ts';
import {
  directory,
  file,
  hardlink,
  pad,
  paxRecord,
  sealed,
  symlink,
  type TarItem,
  tarItem,
  tarOf,
} from '../../../support/tar.ts';

interface ReadEntry extends TarEntry {
  readonly pieces: Array<readonly [position: number, text: string]>;
}

/** Read `archive` in chunks that end at `cuts`. */
function read(archive: Buffer, cuts: readonly number[] = []): { entries: ReadEntry[]; ending: string } {
  const entries: ReadEntry[] = [];
  const reader = new TarReader({
    entry: (entry) => void entries.push({ ...entry, pieces: [] }),
    data: (bytes, position) => void entries.at(-1)?.pieces.push([position, bytes.toString('latin1')]),
    end: () => {},
  });
  const ends = [...new Set(cuts.map((cut) => cut % (archive.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, archive.length]) {
    reader.push(archive.subarray(start, end));
    start = end;
  }
  return { entries, ending: reader.finish() };
}

/** Pieces joined where one ends where the next begins: how the chunks were cut no longer shows. */
function joined({ entries, ending }: ReturnType<typeof read>): unknown {
  return {
    ending,
    entries: entries.map(({ pieces, ...entry }) => {
      const whole: Array<[number, string]> = [];
      for (const [position, text] of pieces) {
        const last = whole.at(-1);
        if (last && last[0] + last[1].length === position) last[1] += text;
        else whole.push([position, text]);
      }
      return { ...entry, whole };
    }),
  };
}

const oldGnuSparse = (() => {
  const block = tarItem({ name: 'holes', flag: 'S', content: '', size: '00000000010', magic: 'ustar  \0' });
  const octal = (value: number) => value.toString(8).padStart(11, '0');
  block.write(octal(512), 386);
  block.write(octal(4), 398);
  block.write(octal(4096), 410);
  block.write(octal(4), 422);
  block.write(octal(10000), 483);
  return Buffer.concat([sealed(block), pad(Buffer.from('aaaabbbb'))]);
})();

const everything = Buffer.concat([
  tarItem({ name: 'pax_global_header', flag: 'g', content: paxRecord(['uid', '7']) }),
  tarItem(directory('etc/')),
  tarItem(file('etc/motd', 'hello world')),
  tarItem({ name: '././@LongLink', flag: 'L', content: `${'n'.repeat(300)}\0` }),
  tarItem(file('cut', 'x'.repeat(1500))),
  tarItem(
    file('p', 'y', {
      pax: { path: `long/${'p'.repeat(400)}`, mtime: '1700000000.123456789', 'SCHILY.xattr.user.a': 'b' },
    }),
  ),
  oldGnuSparse,
  tarItem(symlink('link', 'etc/motd')),
  tarItem(hardlink('hard', 'etc/motd')),
  Buffer.alloc(1024),
]);

describe('TarReader [U] POSIX pax, GNU tar', () => {
  it('reads the same entries however the archive is cut into chunks', () => {
    const whole = joined(read(everything));
    fc.assert(
      fc.property(fc.array(fc.nat(everything.length), { maxLength: 40 }), (cuts) => {
        expect(joined(read(everything, cuts))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('reads the same when every byte comes alone', () => {
    const cuts = Array.from({ length: everything.length }, (_, at) => at);
    expect(joined(read(everything, cuts))).toEqual(joined(read(everything)));
  });

  // Larger ids than 262143 are written wrongly by tar-stream 3.2.
  it('reads what tar-stream writes', async () => {
    const names = fc.stringMatching(/^[a-z]{1,40}(\/[a-z]{1,60}){0,5}$/);
    const one = fc.record({
      name: names,
      content: fc.string({ maxLength: 2000 }),
      uid: fc.nat(262143),
      mode: fc.integer({ min: 1, max: 0o777 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 6 }), async (wanted) => {
        const pack = tarStreamPack();
        for (const { name, content, uid, mode } of wanted) pack.entry({ name, uid, mode }, content);
        pack.finalize();
        const chunks: Buffer[] = [];
        for await (const chunk of pack) chunks.push(Buffer.from(chunk as Uint8Array));
        const { entries } = read(Buffer.concat(chunks));
        const seen = entries.map(({ name, uid, mode, pieces }) => ({
          name,
          uid,
          mode,
          content: Buffer.from(pieces.map(([, text]) => text).join(''), 'latin1').toString(),
        }));
        expect(seen).toEqual(wanted.map(({ name, content, uid, mode }) => ({ name, uid, mode, content })));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps binary attributes and names that are not UTF-8 in PAX headers', () => {
    const value = Buffer.from([0, 255, 10, 61, 128]);
    const path = Buffer.from([97, 0xff, 0xfe]);
    const [entry] = read(
      tarOf(file('short', '', { pax: { path, 'SCHILY.xattr.security.capability': value } })),
    ).entries;
    expect(entry?.name).toBe('a\xff\xfe');
    expect(entry?.xattrs).toEqual([{ name: 'security.capability', value }]);
  });

  it('takes nanoseconds, sizes and large ids from PAX headers, a local one over a global one', () => {
    const items: TarItem[] = [
      { name: 'global', flag: 'g', content: Buffer.concat([paxRecord(['uid', '5']), paxRecord(['gid', '6'])]) },
      file('a', '', { pax: { uid: '4000000', mtime: '-1.5' } }),
      file('b'),
    ];
    const [a, b] = read(tarOf(...items)).entries;
    expect([a?.uid, a?.gid, a?.mtime]).toEqual([4000000, 6, { seconds: -2, nanoseconds: 500000000 }]);
    expect([b?.uid, b?.gid]).toEqual([5, 6]);
  });

  it('reads base-256 numbers', () => {
    const block = tarItem(file('big'));
    block.fill(0, 108, 116);
    block[108] = 0x80;
    block.writeUInt32BE(3_000_000_000, 112);
    expect(read(Buffer.concat([sealed(block), Buffer.alloc(1024)])).entries[0]?.uid).toBe(3_000_000_000);
  });

  it('reads v7 headers, and a trailing slash there as a directory', () => {
    const { entries } = read(
      tarOf({ name: 'old/', flag: '\0', magic: '\0' }, { name: 'old/f', flag: '\0', magic: '\0', content: 'x' }),
    );
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ['old/', 'directory'],
      ['old/f', 'file'],
    ]);
  });

  it.each([
    [
      '0.0',
      [
        ['GNU.sparse.size', '9000'],
        ['GNU.sparse.numblocks', '2'],
        ['GNU.sparse.offset', '0'],
        ['GNU.sparse.numbytes', '2'],
        ['GNU.sparse.offset', '8192'],
        ['GNU.sparse.numbytes', '2'],
      ],
      'aabb',
    ],
    [
      '0.1',
      [
        ['GNU.sparse.name', 's'],
        ['GNU.sparse.size', '9000'],
        ['GNU.sparse.numblocks', '2'],
        ['GNU.sparse.map', '0,2,8192,2'],
      ],
      'aabb',
    ],
    [
      '1.0',
      [
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', 's'],
        ['GNU.sparse.realsize', '9000'],
      ],
      `${'2\n0\n2\n8192\n2\n'.padEnd(512, '\0')}aabb`,
    ],
  ] as const)('puts the segments of a sparse file %s where they belong', (_version, records, content) => {
    const pax = tarItem({
      name: 'x',
      flag: 'x',
      content: Buffer.concat(records.map(([key, value]) => paxRecord([key, value]))),
    });
    const { entries } = read(Buffer.concat([pax, tarItem(file('s', content)), Buffer.alloc(1024)]));
    expect(entries).toMatchObject([
      {
        name: 's',
        size: 9000,
        pieces: [
          [0, 'aa'],
          [8192, 'bb'],
        ],
      },
    ]);
  });

  it.each([
    [
      'a PAX header of more than 1 MiB',
      tarOf({ name: 'x', flag: 'x', size: '00010000000' }),
      /header of 2097152 bytes/,
    ],
    ['a long name of more than 64 KiB', tarOf({ name: 'x', flag: 'L', size: '00000300000' }), /header of 98304 bytes/],
    ['a negative size', negativeSize(), /negative size/],
    ['a size that is no number', tarOf(file('odd', '', { size: '0000000-001' })), /"odd" has a damaged number/],
    ['a wrong checksum', Buffer.alloc(1024, 'x'), /wrong checksum/],
    [
      'a PAX record without a length',
      tarOf({ name: 'x', flag: 'x', content: 'hello world=1\n' }),
      /damaged PAX header/,
    ],
    ['a PAX record longer than its header', tarOf({ name: 'x', flag: 'x', content: '99 a=b\n' }), /damaged PAX header/],
    ['a PAX size below zero', tarOf(file('a', '', { pax: { size: '-5' } })), /size="-5"/],
    ['sparse segments that overlap', sparse('0,10,5,10'), /contradicts itself/],
    ['sparse segments past the end', sparse('8995,20'), /contradicts itself/],
    ['sparse segments that claim more than is stored', sparse('0,4000'), /contradicts itself/],
    ['an archive that ends within a file', everything.subarray(0, 1600), /truncated/],
    ['an archive that ends within a header', everything.subarray(0, 1700 - 600), /truncated/],
    ['a long name with nothing after it', tarItem({ name: 'x', flag: 'L', content: 'name\0' }), /truncated/],
  ])('refuses %s', (_what, archive, message) => {
    expect(() => read(archive)).toThrow(message);
  });

  it('never answers random bytes with anything but a CtrError or entries', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), fc.nat(everything.length), (noise, at) => {
        const archive = Buffer.from(everything);
        Buffer.from(noise).copy(archive, at);
        try {
          read(archive);
        } catch (error) {
          expect(error).toMatchObject({ name: 'CtrError', code: 'INVALID' });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('tells an archive without an end marker from one with it', () => {
    expect(read(tarItem(file('a', 'b'))).ending).toBe('unmarked');
    expect(read(tarOf(file('a', 'b'))).ending).toBe('marked');
  });
});

function negativeSize(): Buffer {
  const block = tarItem(file('minus'));
  block.fill(0xff, 124, 136);
  return sealed(block);
}

function sparse(map: string): Buffer {
  return tarOf(
    file('s', 'aabb', { pax: { 'GNU.sparse.size': '9000', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': map } }),
  );
}
