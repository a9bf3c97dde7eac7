import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { setXattr } from '../../../src/linux/files.ts';
import { readFileInLayers } from '../../../src/storage/layer-file.ts';
import { temporaryDirectory, writeTree } from '../../support/store.ts';

/** Directories, uppermost first. */
function stack(...trees: ReadonlyArray<Readonly<Record<string, string>>>): string[] {
  return trees.map((tree) => {
    const directory = temporaryDirectory();
    writeTree(directory, tree);
    return directory;
  });
}

const read = (layers: readonly string[], path: string, maxBytes = 1000) =>
  readFileInLayers(layers, path, maxBytes)?.toString();

describe('readFileInLayers [I] overlayfs', () => {
  it('shows the uppermost file, and lower ones through it', () => {
    const layers = stack({ 'etc/a': 'upper' }, { 'etc/a': 'lower', 'etc/b': 'below' });
    expect([read(layers, '/etc/a'), read(layers, 'etc//./b')]).toEqual(['upper', 'below']);
  });

  it('knows nothing where there is no such file, or no regular one', () => {
    const layers = stack({ 'etc/dir/': '', 'etc/file': '' });
    for (const path of ['etc/none', 'etc/dir', 'etc/file/x', '', '/', 'none/x']) {
      expect(read(layers, path)).toBeUndefined();
    }
  });

  it('honours a whiteout: a character device 0/0', () => {
    const layers = stack({ 'etc/': '' }, { 'etc/a': 'gone' });
    execFileSync('mknod', [`${layers[0]}/etc/a`, 'c', '0', '0']);
    expect(read(layers, 'etc/a')).toBeUndefined();
  });

  it('honours a whiteout of fuse-overlayfs: a .wh. file', () => {
    expect(read(stack({ 'etc/.wh.a': '' }, { 'etc/a': 'gone' }), 'etc/a')).toBeUndefined();
  });

  it('honours an opaque directory', () => {
    const layers = stack({ 'etc/': '' }, { 'etc/a': 'hidden' }, { 'etc/a': 'hidden too' });
    expect(read(layers, 'etc/a')).toBe('hidden');
    setXattr(`${layers[0]}/etc`, 'user.overlay.opaque', Buffer.from('y'));
    expect(read(layers, 'etc/a')).toBeUndefined();
  });

  it('hides a directory behind a file of the same name', () => {
    expect(read(stack({ etc: 'a file' }, { 'etc/a': 'hidden' }), 'etc/a')).toBeUndefined();
  });

  it.each([
    ['relative', 'passwd.real'],
    ['absolute: the image is the root', '/etc/passwd.real'],
    ['above the root, which is the root', '../../../../etc/passwd.real'],
  ])('follows a symlink inside the image (%s)', (_how, target) => {
    const layers = stack({ 'etc/': '' }, { 'etc/passwd.real': 'in the image' });
    symlinkSync(target, `${layers[0]}/etc/passwd`);
    expect(read(layers, 'etc/passwd')).toBe('in the image');
  });

  it('never leaves the image, neither by a symlink nor by a directory that is one', () => {
    const outside = temporaryDirectory();
    writeFileSync(`${outside}/passwd`, 'of the host');
    const [layer = ''] = stack({ 'x/': '' });
    symlinkSync(`${outside}/passwd`, `${layer}/direct`);
    symlinkSync(outside, `${layer}/etc`);
    symlinkSync('/proc/self/root', `${layer}/proc-root`);
    for (const path of ['direct', 'etc/passwd', `proc-root${outside}/passwd`, `../../../..${outside}/passwd`]) {
      expect(read([layer], path)).toBeUndefined();
    }
  });

  it('resolves a directory symlink in a lower layer against the merged tree', () => {
    const layers = stack({ 'usr/etc/passwd': 'merged' }, { 'usr/': '' });
    symlinkSync('usr/etc', `${layers[1]}/etc`);
    expect(read(layers, 'etc/passwd')).toBe('merged');
  });

  it('ends on symlinks that go in circles', () => {
    const [layer = ''] = stack({});
    symlinkSync('b', `${layer}/a`);
    symlinkSync('a', `${layer}/b`);
    expect(() => read([layer], 'a')).toThrow(/too many symlinks/);
  });

  it('refuses a file that is larger than asked for, and takes one that just fits', () => {
    const layers = stack({ a: '12345' });
    expect(read(layers, 'a', 5)).toBe('12345');
    expect(() => read(layers, 'a', 4)).toThrow(/larger than 4 bytes/);
  });

  it('does not wait for the other end of a FIFO', () => {
    const layers = stack({});
    execFileSync('mkfifo', [`${layers[0]}/passwd`]);
    expect(read(layers, 'passwd')).toBeUndefined();
  });

  it('never shows the host while a container exchanges a directory for a symlink', async () => {
    const outside = temporaryDirectory();
    writeFileSync(`${outside}/passwd`, 'of the host');
    const [upper = '', lower = ''] = stack({}, { 'etc/passwd': 'in the image' });
    const seen = new Set<string | undefined>();
    for (let round = 0; round < 200; round++) {
      rmSync(`${upper}/etc`, { recursive: true, force: true });
      if (round % 2) mkdirSync(`${upper}/etc`);
      else symlinkSync(outside, `${upper}/etc`);
      seen.add(read([upper, lower], 'etc/passwd'));
    }
    expect(seen).toEqual(new Set(['in the image', undefined]));
  });
});
