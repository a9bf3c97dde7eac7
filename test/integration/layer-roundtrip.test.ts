import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseOwners } from '../../src/image/layer/owners.ts';
import { packLayer } from '../../src/image/layer/pack.ts';
import { getXattr, setXattr } from '../../src/linux/files.ts';
import { scratch, tree, unpack } from '../support/layers.ts';
import { needs } from '../support/needs.ts';
import { directory, file, symlink, tarItem, tarOf } from '../support/tar.ts';

async function pack(root: string, options: Parameters<typeof packLayer>[1] = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of packLayer(root, options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A tree with what layers hold: modes, links, holes, odd names, attributes; other owners when root makes it. */
function sampleTree(): string {
  const root = join(scratch(), 'sample');
  const odd = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9, 0x0a, 0xff])]);
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'var/mail'), { recursive: true });
  writeFileSync(odd, 'latin-1 and a newline');
  writeFileSync(join(root, 'usr/bin/tool'), 'x'.repeat(70_000), { mode: 0o755 });
  writeFileSync(join(root, 'holes'), 'begin');
  truncateSync(join(root, 'holes'), 1_000_000);
  writeFileSync(join(root, 'n'.repeat(200)), 'a long name');
  const script = `
    ln usr/bin/tool usr/bin/alias; ln -s ../bin/tool usr/link; ln -s ${'t'.repeat(150)} dangling; mkfifo queue
    chmod 4755 usr/bin/tool; chmod 1777 var; chmod 2775 var/mail; chmod 0 holes; touch -h -d @-5 usr/link
    touch -d '2001-02-03 04:05:06.123456789' usr/bin/tool; touch -d @1000000000 usr/bin var/mail .`;
  execFileSync('sh', ['-ec', script], { cwd: root });
  setXattr(join(root, 'usr'), 'user.binary', Buffer.from([0, 1, 10, 255]));
  if (process.getuid?.() === 0) {
    execFileSync('chown', ['-R', '1234:4321', 'var'], { cwd: root });
    execFileSync('chmod', ['2775', 'var/mail'], { cwd: root });
  }
  return root;
}

const inTwo = (archive: Buffer, compress: (part: Buffer) => Buffer) =>
  Buffer.concat([compress(archive.subarray(0, 700)), compress(archive.subarray(700))]);

const gnuTar = (root: string, format: string) =>
  execFileSync('tar', ['-c', `--format=${format}`, '--sparse', '--xattrs', '--xattrs-include=*', '-C', root, '.'], {
    maxBuffer: 1 << 30,
  });

describe('unpacking archives of GNU tar [I] image-spec layer.md', () => {
  const formats = ['pax', 'gnu'];
  for (const format of formats) {
    needs('root')(
      `gives the tree that was packed as ${format}: names, owners, modes, links, holes, content`,
      async () => {
        const root = sampleTree();
        const archive = gnuTar(root, format);
        const { diff, target } = await unpack(archive);
        writeFileSync(join(target, 'archive.tar'), archive);
        expect(execFileSync('tar', ['--compare', '-f', join(target, 'archive.tar'), '-C', diff]).toString()).toBe('');
        expect(statSync(join(diff, 'holes')).blocks).toBeLessThan(100);
        // The gnu format has whole seconds only: times are clamped away there.
        const options = format === 'pax' ? {} : { sourceDateEpoch: 946_684_800 };
        expect((await pack(diff, options)).equals(await pack(root, options))).toBe(true);
      },
    );
  }

  it.each([
    ['gzip', (archive: Buffer) => gzipSync(archive)],
    ['gzip in members', (archive: Buffer) => inTwo(archive, gzipSync)],
    ['zstd', (archive: Buffer) => zstdCompressSync(archive)],
    ['zstd in frames', (archive: Buffer) => inTwo(archive, zstdCompressSync)],
  ])('undoes %s by its magic', async (_name, compress) => {
    const archive = tarOf(file('a', 'content'), file('b', 'x'.repeat(5000)));
    const { diff } = await unpack(archive, { compressed: compress(archive) });
    expect(tree(diff)).toEqual(['a=content', 'b (5000 bytes)']);
  });

  it.each([
    [
      'a gzip stream without its end',
      (archive: Buffer) => gzipSync(archive).subarray(0, -12),
      /truncated: its gzip stream/,
    ],
    [
      'a damaged zstd stream',
      (archive: Buffer) => Buffer.concat([zstdCompressSync(archive).subarray(0, 8), Buffer.alloc(40, 7)]),
      /its zstd stream/,
    ],
    ['an xz stream', () => Buffer.from('\xfd7zXZ\0rest of it', 'latin1'), /compressed by bzip2, xz or lzma/],
  ])('names %s', async (_name, compress, message) => {
    const archive = tarOf(file('a', 'content'.repeat(100)));
    await expect(unpack(archive, { compressed: compress(archive) })).rejects.toThrow(message);
  });

  it("names an archive that ends within an entry, and one without an end marker that is not its image's", async () => {
    const archive = tarOf(file('a', 'content'));
    await expect(unpack(archive.subarray(0, 700))).rejects.toThrow(/ends within an entry/);
    const attempt = unpack(archive, { compressed: tarItem(file('a', 'content')) });
    await expect(attempt).rejects.toThrow(/no end marker/);
  });

  it('accepts a layer without an end marker when its digest proves it whole', async () => {
    expect(tree((await unpack(tarItem(file('a', 'b')))).diff)).toEqual(['a=b']);
  });
});

describe('whiteouts [I] image-spec layer.md "Whiteouts"', () => {
  needs('root')('become overlayfs marks, and whiteouts again when packed', async () => {
    const { diff } = await unpack(
      tarOf(directory('etc/'), file('etc/.wh.motd'), directory('srv/'), file('srv/.wh..wh..opq'), file('srv/new', '1')),
    );
    expect(tree(diff)).toEqual(['etc/', 'etc/motd (whiteout)', 'srv/', 'srv/new=1']);
    expect(getXattr(join(diff, 'srv'), 'user.overlay.opaque')?.toString()).toBe('y');
    const names = execFileSync('tar', ['-t'], { input: await pack(diff) }).toString();
    expect(names.trim().split('\n')).toEqual(['./', 'etc/', 'etc/.wh.motd', 'srv/', 'srv/.wh..wh..opq', 'srv/new']);
  });

  needs('root')('hide only lower layers: what the same layer makes stays, and a directory becomes opaque', async () => {
    const { diff } = await unpack(tarOf(file('.wh.d'), file('d/x', '1'), file('f', '2'), file('.wh.f')));
    expect(tree(diff)).toEqual(['d/', 'd/x=1', 'f=2']);
    expect(getXattr(join(diff, 'd'), 'user.overlay.opaque')?.toString()).toBe('y');
  });

  it('ignores the other marks of aufs', async () => {
    const { diff } = await unpack(tarOf(file('.wh..wh.plnk'), file('.wh..wh.aufs'), file('a', '1')));
    expect(tree(diff)).toEqual(['a=1']);
  });
});

describe('packLayer [I] image-spec layer.md "Creating"', () => {
  needs('root')('gives the same bytes for what it was unpacked from', async () => {
    const first = await pack(sampleTree());
    const { diff } = await unpack(first);
    expect((await pack(diff)).equals(first)).toBe(true);
  });

  it('clamps times to SOURCE_DATE_EPOCH', async () => {
    const { diff } = await unpack(tarOf(file('new', '', { mtime: 1_700_000_000 }), file('old', '', { mtime: 5 })));
    const again = await unpack(await pack(diff, { sourceDateEpoch: 1_000_000_000 }));
    expect(['new', 'old'].map((name) => lstatSync(join(again.diff, name)).mtimeMs / 1000)).toEqual([1_000_000_000, 5]);
  });
});

describe('single-id mode [I]', () => {
  const items = [
    directory('home/u/', { uid: 1000, gid: 1000, mode: 0o700 }),
    file('home/u/suid', 'x', { uid: 1000, gid: 0, mode: 0o4755 }),
    file('root', 'y', { mode: 0o600 }),
    { ...symlink('link', 'root'), uid: 5, gid: 6 },
  ];

  it('chowns nothing, takes set-id bits off, and records the owners beside the layer', async () => {
    const { diff, target } = await unpack(tarOf(...items), { owners: 'single' });
    const stat = statSync(join(diff, 'home/u/suid'));
    expect([stat.uid, stat.mode & 0o7777]).toEqual([process.getuid?.(), 0o755]);
    expect([...parseOwners(readFileSync(join(target, 'owners'), 'utf8'))]).toEqual([
      ['home/u', { uid: 1000, gid: 1000, mode: 0o700 }],
      ['home/u/suid', { uid: 1000, gid: 0, mode: 0o4755 }],
      ['link', { uid: 5, gid: 6, mode: 0o777 }],
    ]);
  });

  it('packs the recorded owners', async () => {
    const { diff, target } = await unpack(tarOf(...items), { owners: 'single' });
    const owners = parseOwners(readFileSync(join(target, 'owners'), 'utf8'));
    const listing = execFileSync('tar', ['-tv', '--numeric-owner'], { input: await pack(diff, { owners }) }).toString();
    expect(listing).toMatch(/^drwx------ 1000\/1000 .* home\/u\/$/m);
    expect(listing).toMatch(/^-rwsr-xr-x 1000\/0 .* home\/u\/suid$/m);
    expect(listing).toMatch(/^-rw------- 0\/0 .* root$/m);
  });
});
