import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStorageDriver, readVerdict, writeVerdict } from '../../../src/storage/drivers/driver.ts';
import { layout } from '../../../src/storage/layout.ts';
import { ensureDataRoot } from '../../../src/storage/roots.ts';
import { temporaryHost } from '../../support/store.ts';

const verdict = { driver: 'fuse-overlayfs', reasons: ['overlay: EPERM'] } as const;

describe('the verdict on storage drivers [I]', () => {
  it('is kept for this boot, kernel and file system', () => {
    const host = temporaryHost();
    ensureDataRoot(host);
    expect(readVerdict(host)).toBeUndefined();
    writeVerdict(host, verdict);
    expect(readVerdict(host)).toEqual(verdict);
  });

  it.each(['{"valid":"another boot","driver":"vfs","reasons":[]}', 'damaged'])(
    'is asked for again after %s',
    (text) => {
      const host = temporaryHost();
      ensureDataRoot(host);
      writeVerdict(host, verdict);
      expect(readFileSync(layout.driverVerdict(host), 'utf8')).toContain('fuse-overlayfs');
      writeFileSync(layout.driverVerdict(host), text);
      expect(readVerdict(host)).toBeUndefined();
    },
  );

  it('knows its drivers by name', () => {
    expect(parseStorageDriver('vfs')).toBe('vfs');
    expect(() => parseStorageDriver('btrfs')).toThrow(/known drivers|unknown storage driver/);
  });
});
