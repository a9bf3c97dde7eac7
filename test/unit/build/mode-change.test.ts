import { describe, expect, it } from 'vitest';
import { applyModeChange, parseModeChange } from '../../../src/build/mode-change.ts';

describe('parseModeChange, applyModeChange [U] chmod(1)', () => {
  it.each([
    ['0755', 0o644, false, 0o755],
    ['644', 0o777, true, 0o644],
    ['4755', 0o644, false, 0o4755],
    ['u+x', 0o644, false, 0o744],
    ['+x', 0o644, false, 0o755],
    ['a=rx', 0o640, false, 0o555],
    ['go-w', 0o666, false, 0o644],
    ['u=rwX,go=rX', 0o644, false, 0o644],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['u=rwX,go=rX', 0o700, false, 0o755],
    ['g=u', 0o740, false, 0o770],
    ['o+g', 0o740, false, 0o744],
    ['u+s', 0o755, false, 0o4755],
    ['g+s,o+t', 0o755, true, 0o3755],
    ['u=rw', 0o4755, false, 0o655],
    ['u=rwx', 0o4755, true, 0o4755],
    ['u+x,u-x', 0o644, false, 0o644],
    ['u=r+w-r', 0o777, false, 0o277],
    ['a=', 0o777, false, 0],
  ] as const)('%s makes of %o (directory: %s) %o', (text, mode, isDirectory, expected) => {
    expect(applyModeChange(parseModeChange(text), mode, isDirectory).toString(8)).toBe(expected.toString(8));
  });

  it.each(['', 'rwx', '888', '07777777', 'u+q', 'x+r', 'u', 'u+r,', 'u~r'])('refuses %j', (text) => {
    expect(() => parseModeChange(text)).toThrow(/invalid mode/);
  });
});
