import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeName } from '../../../src/storage/layout.ts';

const names = fc.string({
  unit: fc.constantFrom('a', 'B', '.', '/', '~', '%', ':', '@', ' ', 'é', '2', 'E'),
  maxLength: 300,
});

describe('escapeName [U]', () => {
  it('gives one path component that no name can leave', () => {
    fc.assert(
      fc.property(names, (name) => {
        const escaped = escapeName(name);
        expect(escaped).not.toMatch(/[/\0]|^\.\.?$/);
        expect(Buffer.byteLength(escaped)).toBeLessThanOrEqual(200);
      }),
    );
  });

  it('gives different names different files', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(escapeName(a) === escapeName(b)).toBe(a === b);
      }),
    );
  });
});
