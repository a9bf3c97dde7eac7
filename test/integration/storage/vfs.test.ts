import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { getXattr, mknod, nodeTypes, setTimes, setXattr } from '../../../src/linux/files.ts';
import { flattenLayers } from '../../../src/storage/drivers/vfs.ts';
import { temporaryDirectory, writeTree } from '../../support/store.ts';

function layers(...trees: ReadonlyArray<Readonly<Record<string, string>>>): string[] {
  return trees.map((tree) => {
    const directory = temporaryDirectory();
    writeTree(directory, tree);
    return directory;
  });
}

function flatten(stack: readonly string[]): string {
  const target = temporaryDirectory();
  flattenLayers(stack, target);
  return target;
}

const whiteout = (path: string) => mknod(path, nodeTypes.character, { major: 0, minor: 0 });

describe('flattenLayers [I] overlayfs', () => {
  it('lays upper files over lower ones', () => {
    const target = flatten(layers({ a: 'low', 'd/b': 'low' }, { a: 'high', 'd/c': 'high' }));
    expect(readFileSync(`${target}/a`, 'utf8')).toBe('high');
    expect(readdirSync(`${target}/d`).sort()).toEqual(['b', 'c']);
  });

  it('removes what a whiteout names, and does not copy the whiteout', () => {
    const stack = layers({ 'd/a': '', 'd/b': '' }, { 'd/': '' });
    whiteout(`${stack[1]}/d/a`);
    expect(readdirSync(`${flatten(stack)}/d`)).toEqual(['b']);
  });

  it('empties a directory that is opaque above', () => {
    const stack = layers({ 'd/a': '' }, { 'd/b': '' });
    setXattr(`${stack[1]}/d`, 'user.overlay.opaque', Buffer.from('y'));
    const target = flatten(stack);
    expect(readdirSync(`${target}/d`)).toEqual(['b']);
    expect(getXattr(`${target}/d`, 'user.overlay.opaque')).toBeUndefined();
  });

  it('exchanges a directory for a file, and a file for a directory', () => {
    const target = flatten(layers({ 'x/in': '', y: '' }, { x: 'file', 'y/in': '' }));
    expect([lstatSync(`${target}/x`).isFile(), lstatSync(`${target}/y`).isDirectory()]).toEqual([true, true]);
  });

  it('does not write through a symlink of a lower layer', () => {
    const outside = temporaryDirectory();
    const stack = layers({}, { 'd/file': 'inside' });
    symlinkSync(outside, `${stack[0]}/d`);
    const target = flatten(stack);
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(`${target}/d/file`, 'utf8')).toBe('inside');
  });

  it('keeps mode, times, attributes, links and devices', () => {
    const stack = layers({ file: 'x', 'dir/': '' });
    const [layer = ''] = stack;
    linkSync(`${layer}/file`, `${layer}/hard`);
    symlinkSync('nowhere', `${layer}/soft`);
    execFileSync('mkfifo', [`${layer}/fifo`]);
    setXattr(`${layer}/file`, 'user.a', Buffer.from([0, 255]));
    chmodSync(`${layer}/file`, 0o4755);
    chmodSync(`${layer}/dir`, 0o1777);
    const then = { seconds: -5, nanoseconds: 123_456_789 };
    setTimes(`${layer}/file`, then, then);
    const target = flatten(stack);
    const file = lstatSync(`${target}/file`, { bigint: true });
    expect([file.mode & 0o7777n, file.mtimeNs, file.nlink]).toEqual([0o4755n, -4_876_543_211n, 2n]);
    expect(lstatSync(`${target}/hard`, { bigint: true }).ino).toBe(file.ino);
    expect(lstatSync(`${target}/dir`).mode & 0o7777).toBe(0o1777);
    expect(readlinkSync(`${target}/soft`)).toBe('nowhere');
    expect(lstatSync(`${target}/fifo`).isFIFO()).toBe(true);
    expect(getXattr(`${target}/file`, 'user.a')).toEqual(Buffer.from([0, 255]));
  });

  it('keeps names that are not UTF-8', () => {
    const stack = layers({});
    execFileSync('sh', ['-c', `printf x > "$1/$(printf '\\377')"`, 'sh', stack[0]!]);
    const [name] = readdirSync(flatten(stack), { encoding: 'buffer' });
    expect(name).toEqual(Buffer.of(0xff));
  });
});
