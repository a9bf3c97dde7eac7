import { describe, expect, it } from 'vitest';
import { signalNumber } from '../../../src/linux/signals.ts';

describe('signalNumber [U] signal(7)', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN', 34],
    ['RTMIN+3', 37],
    ['SIGRTMAX-1', 63],
    ['64', 64],
  ])('knows %s', (text, number) => {
    expect(signalNumber(text)).toBe(number);
  });

  it.each(['', '0', '65', 'NONE', 'SIG', 'RTMIN-1', 'RTMAX+1', 'TERM '])('does not know %j', (text) => {
    expect(signalNumber(text)).toBeUndefined();
  });
});
