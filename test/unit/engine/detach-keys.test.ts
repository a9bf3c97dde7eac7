import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DetachScanner, parseDetachKeys } from '../../../src/engine/detach-keys.ts';

describe('detach keys [U]', () => {
  it.each([
    ['ctrl-p,ctrl-q', [16, 17]],
    ['a,ctrl-[', [97, 27]],
    ['ctrl-@', [0]],
    ['', []],
  ])('%s are the bytes %j', (text, bytes) => {
    expect([...parseDetachKeys(text)]).toEqual(bytes);
  });

  it.each(['ctrl-1', 'ab', 'ctrl-p,,x', 'é'])('%s is refused', (text) => {
    expect(() => parseDetachKeys(text)).toThrow('is no key');
  });

  it('finds the sequence wherever the input is cut, and passes on exactly what stands before it', () => {
    const bytes = fc.uint8Array({ maxLength: 20, max: 3 });
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 5, max: 3 }), fc.nat(25), (before, after, cut) => {
        const keys = Buffer.of(1, 1, 2);
        const input = Buffer.concat([before, keys, after]);
        const scanner = new DetachScanner(keys);
        const passed: Buffer[] = [];
        const isDetached = [input.subarray(0, cut), input.subarray(cut)].some((piece) => {
          const { pass, detached } = scanner.scan(piece);
          passed.push(pass);
          return detached;
        });
        expect(isDetached).toBe(true);
        expect(Buffer.concat(passed)).toEqual(input.subarray(0, input.indexOf(keys)));
      }),
    );
  });
});
