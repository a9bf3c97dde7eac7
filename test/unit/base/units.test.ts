import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { humanDuration, humanSize, parseDuration, parseSize } from '../../../src/base/units.ts';

describe('humanSize [U]', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [7796723, '7.8MB'],
    [1234567890, '1.23GB'],
    [999_999, '1MB'],
    [123_456_789, '123MB'],
  ])('prints %d as %s', (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });

  it('never needs more than three digits', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => {
        expect(humanSize(bytes)).toMatch(/^\d{1,3}(\.\d{1,2})?(B|[kMGTPE]B)$/);
      }),
    );
  });
});

describe('humanDuration [U] go-units', () => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  it.each([
    [0.5 * second, 'Less than a second'],
    [second, '1 second'],
    [59 * second, '59 seconds'],
    [minute, 'About a minute'],
    [59 * minute, '59 minutes'],
    [hour, 'About an hour'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [14 * day, '2 weeks'],
    [60 * day, '2 months'],
    [730 * day, '2 years'],
  ])('prints %d ms as %s', (durationMs, text) => {
    expect(humanDuration(durationMs)).toBe(text);
  });
});

describe('parseDuration [U] Go time.ParseDuration', () => {
  it.each([
    ['0', 0],
    ['300ms', 300],
    ['1.5s', 1500],
    ['1h30m', 5_400_000],
    ['-2m', -120_000],
    ['1h2m3s4ms', 3_723_004],
  ])('reads %s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(['', '1', 's', '1x', '1 s', '1.s.', '--1s'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('parseSize [U]', () => {
  it.each([
    ['1000', 1000],
    ['20GB', 20e9],
    ['1.5 GiB', 1.5 * 1024 ** 3],
    ['512m', 512e6],
    ['1kib', 1024],
    ['many', undefined],
    ['-1', undefined],
    ['1ib', undefined],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});
