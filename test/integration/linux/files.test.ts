import { lstatSync, openSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  getXattr,
  listXattrs,
  mknod,
  nodeTypes,
  removeXattr,
  setTimes,
  setXattr,
  syncfs,
  tryFlock,
} from '../../../src/linux/files.ts';
import { temporaryDirectory } from '../../support/store.ts';

function temporaryFile(): string {
  const path = `${temporaryDirectory()}/file`;
  writeFileSync(path, '');
  return path;
}

describe('extended attributes [I] xattr(7)', () => {
  it.each([0, 1, 3000])('keep a value of %i bytes as it is', (length) => {
    const path = temporaryFile();
    const value = Buffer.alloc(length, 0xff);
    setXattr(path, 'user.a', value);
    expect(getXattr(path, 'user.a')).toEqual(value);
  });

  it('are listed and removed, also when they are not there', () => {
    const path = temporaryFile();
    setXattr(path, 'user.a', Buffer.of(1));
    setXattr(Buffer.from(path), 'user.b', Buffer.of(1));
    expect(listXattrs(path).filter((name) => name.startsWith('user.'))).toEqual(['user.a', 'user.b']);
    for (let times = 0; times < 2; times++) removeXattr(path, 'user.a');
    expect([getXattr(path, 'user.a'), getXattr(path, 'user.b')]).toEqual([undefined, Buffer.of(1)]);
  });

  it('are those of a symlink and not of what it points to', () => {
    const path = temporaryFile();
    setXattr(path, 'user.a', Buffer.of(1));
    symlinkSync(path, `${path}.link`);
    expect(getXattr(`${path}.link`, 'user.a')).toBeUndefined();
  });

  it('fail with the call and its errno', () => {
    expect(() => getXattr('/nowhere', 'user.a')).toThrow('lgetxattr("/nowhere", "user.a", <256 bytes>, 256) = ENOENT');
  });
});

describe('other calls [I]', () => {
  it('mknod makes whiteouts and FIFOs', () => {
    const path = `${temporaryDirectory()}/device`;
    mknod(path, nodeTypes.character | 0o600, { major: 0, minor: 0 });
    expect([statSync(path).isCharacterDevice(), statSync(path).rdev]).toEqual([true, 0]);
    const fifo = `${path}.fifo`;
    mknod(fifo, nodeTypes.fifo | 0o600, { major: 0, minor: 0 });
    expect(statSync(fifo).isFIFO()).toBe(true);
  });

  it('setTimes keeps nanoseconds, before 1970 too', () => {
    const path = temporaryFile();
    setTimes(path, { seconds: 1, nanoseconds: 2 }, { seconds: -2, nanoseconds: 999_999_999 });
    const { atimeNs, mtimeNs } = lstatSync(path, { bigint: true });
    expect([atimeNs, mtimeNs]).toEqual([1_000_000_002n, -1_000_000_001n]);
  });

  it('tryFlock says that another descriptor holds the lock', () => {
    const path = temporaryFile();
    const [one, two] = [openSync(path, 'r'), openSync(path, 'r')];
    expect([tryFlock(one, 'exclusive'), tryFlock(two, 'shared')]).toEqual([true, false]);
    syncfs(one);
  });
});
