/** Archives that try to reach outside of their layer, or to forge what only overlayfs may say. Every class stays here for ever. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getXattr } from '../../src/linux/files.ts';
import { digestOfHex } from '../../src/oci/digest.ts';
import { scratch, tree, unpack } from '../support/layers.ts';
import { directory, file, hardlink, symlink, type TarItem, tarOf } from '../support/tar.ts';

interface Attack {
  readonly items: readonly TarItem[];
  readonly message: RegExp;
  readonly code?: string;
}

const refused: Readonly<Record<string, Attack>> = {
  'a name with ..': {
    items: [file('../outside/victim', 'owned')],
    message: /"\.\.\/outside\/victim" has "\.\."/,
    code: 'ESCAPE',
  },
  'a name with .. in the middle': {
    items: [file('a/../../outside/victim', 'owned')],
    message: /has "\.\."/,
    code: 'ESCAPE',
  },
  'a directory named ..': { items: [directory('..', { mode: 0o777 })], message: /"\.\." has "\.\."/, code: 'ESCAPE' },
  'writing through an absolute symlink': {
    items: [symlink('out', '/'), file('out/outside/victim', 'owned')],
    message: /"out\/outside\/victim" goes through a symlink to "\/"/,
    code: 'ESCAPE',
  },
  'writing through a symlink that climbs': {
    items: [symlink('out', '../../outside'), file('out/victim', 'owned')],
    message: /"out\/victim" goes through a symlink that climbs/,
    code: 'ESCAPE',
  },
  'a chain of symlinks, each innocent': {
    items: [directory('d/'), symlink('d/a', '..'), symlink('b', 'd/a/..'), file('b/outside/victim', 'owned')],
    message: /"b\/outside\/victim" goes through a symlink that climbs/,
    code: 'ESCAPE',
  },
  'a circle of symlinks': { items: [symlink('a', 'b'), symlink('b', 'a'), file('a/x')], message: /"a\/x".*circle/ },
  'a parent directory replaced by a symlink': {
    items: [directory('d/'), file('d/x'), symlink('d', '/'), file('d/outside/victim', 'owned')],
    message: /"d\/outside\/victim" goes through a symlink/,
    code: 'ESCAPE',
  },
  'a hard link to a file outside': {
    items: [hardlink('x', '../outside/victim')],
    message: /entry "x" is a hard link to "\.\.\/outside\/victim"/,
    code: 'ESCAPE',
  },
  'a hard link to an absolute name outside': {
    items: [hardlink('x', '/outside/victim')],
    message: /"x" is a hard link to "\/outside\/victim", which is no file/,
  },
  'a hard link through a symlink': {
    items: [symlink('out', '/outside'), hardlink('x', 'out/victim')],
    message: /"x" goes through a symlink/,
    code: 'ESCAPE',
  },
  'a hard link to a directory': { items: [directory('d/'), hardlink('x', 'd')], message: /"x" is a hard link to "d"/ },
  'a whiteout of ..': { items: [file('d/.wh...')], message: /"d\/\.wh\.\.\." is a whiteout of no name/ },
  'a whiteout of .': { items: [file('.wh..')], message: /whiteout of no name/ },
  'a whiteout without a name': { items: [file('.wh.')], message: /whiteout of no name/ },
  'an entry below a whiteout': { items: [file('.wh.x/y')], message: /"\.wh\.x\/y" is below a whiteout/ },
  'an entry below a file': { items: [file('a'), file('a/b')], message: /"a\/b" is below "a", which is no directory/ },
  'a name with NUL': { items: [file('x', '', { pax: { path: 'a\0b' } })], message: /has a NUL in its name/ },
  'a link with NUL': {
    items: [{ ...symlink('x', 'y'), pax: { linkpath: 'a\0b' } }],
    message: /"x" is a symlink to nowhere/,
  },
  'a component that is too long': {
    items: [file('x', '', { pax: { path: 'n'.repeat(300) } })],
    message: /cannot unpack "nnn/,
  },
  'a path that is too long': {
    items: [directory('x', { pax: { path: 'dd/'.repeat(2000) } })],
    message: /cannot unpack "dd\//,
  },
  'a file as the root directory': { items: [file('.')], message: /would replace the root/ },
  'a kind of entry that nobody knows': { items: [{ name: 'x', flag: 'V' }], message: /"x" is of a kind/ },
};

describe('unpacking a hostile layer [I]', () => {
  it.each(Object.entries(refused))('refuses %s and leaves the outside untouched', async (_what, attack) => {
    const below = scratch();
    mkdirSync(join(below, 'outside'));
    writeFileSync(join(below, 'outside/victim'), 'precious');
    const attempt = unpack(tarOf(...attack.items), { below });
    await expect(attempt).rejects.toThrow(attack.message);
    await expect(attempt).rejects.toMatchObject({ code: attack.code ?? 'INVALID', exitCode: 125 });
    expect(tree(below).filter((path) => !path.startsWith('layer/') && path !== 'layer')).toEqual([
      expect.stringMatching(/^archive/),
      'outside/',
      'outside/victim=precious',
    ]);
  });

  it('keeps an absolute name inside', async () => {
    const { diff } = await unpack(tarOf(file('/etc/passwd', 'mine')));
    expect(tree(diff)).toEqual(['etc/', 'etc/passwd=mine']);
  });

  it('follows a relative symlink within the layer, as /lib → usr/lib', async () => {
    const { diff } = await unpack(tarOf(directory('usr/'), symlink('lib', 'usr/lib'), file('lib/x', 'in')));
    expect(tree(diff)).toEqual(['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x=in']);
  });

  it.each([
    'user.overlay.redirect',
    'user.overlay.opaque',
    'user.overlay.metacopy',
    'trusted.overlay.redirect',
    'user.fuseoverlayfs.opaque',
  ])('leaves out the attribute %s, by which a layer could show what it has not', async (name) => {
    const { diff, summary } = await unpack(tarOf(directory('d/', { pax: { [`SCHILY.xattr.${name}`]: '/outside' } })));
    expect(getXattr(join(diff, 'd'), name)).toBeUndefined();
    expect(summary.warnings).toEqual([expect.stringContaining(name)]);
  });

  it('leaves out device nodes and counts them, hard links to them too', async () => {
    const disk: TarItem = { name: 'dev/sda', flag: '4', device: [8, 0] };
    const { diff, summary } = await unpack(
      tarOf(disk, { name: 'dev/mem', flag: '3', device: [1, 1] }, hardlink('again', 'dev/sda')),
    );
    expect(tree(diff)).toEqual(['dev/']);
    expect(summary.skippedDevices).toBe(3);
  });

  it('lets a later entry replace an earlier one of any kind', async () => {
    const { diff } = await unpack(
      tarOf(
        directory('a/'),
        file('a/b', 'old'),
        file('a', 'now a file'),
        symlink('l', 'a'),
        directory('l/'),
        file('l/x', '1'),
        file('l/x', '2'),
      ),
    );
    expect(tree(diff)).toEqual(['a=now a file', 'l/', 'l/x=2']);
  });

  it('does not write through a file that a hard link shares', async () => {
    const { diff } = await unpack(tarOf(file('a', 'first'), hardlink('b', 'a'), file('a', 'second')));
    expect(tree(diff)).toEqual(['a=second', 'b=first']);
  });

  it('makes directories 300 levels deep', async () => {
    const deep = 'd/'.repeat(300);
    const { diff } = await unpack(tarOf(file('x', 'bottom', { pax: { path: `${deep}x` } })));
    expect(readFileSync(join(diff, deep, 'x'), 'utf8')).toBe('bottom');
  });

  it('does not let a name drive the terminal through an error text', async () => {
    const attempt = unpack(tarOf(file('\x1b[2J\x9b\u202e..', '', { flag: 'V' })));
    await expect(attempt).rejects.toThrow(/^[^\x00-\x1f\x7f-\x9f\u202e]+$/);
  });

  it('names a layer whose content is another one than its image says', async () => {
    const attempt = unpack(tarOf(file('a')), { diffId: digestOfHex('0'.repeat(64)) });
    await expect(attempt).rejects.toMatchObject({ code: 'VERIFY' });
  });

  it('writes no owners file and no layer outside of diff/', async () => {
    const { target } = await unpack(tarOf(file('a', 'b')));
    expect(existsSync(join(target, 'owners'))).toBe(false);
    expect(tree(target)).toEqual(['diff/', 'diff/a=b']);
  });
});
