import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../../src/cli/flags/time.ts';

const now = new Date('2024-02-03T10:00:00Z');
const parse = (text: string) => parseTime('--since', text, now);

describe('parseTime [U] docker logs "--since"', () => {
  it('takes a duration back from now', () => {
    expect(parse('1h30m')).toBe(Date.parse('2024-02-03T08:30:00Z'));
  });

  it('takes RFC 3339, with and without zone and clock', () => {
    expect(parse('2024-02-03T04:05:06.5Z')).toBe(Date.parse('2024-02-03T04:05:06.500Z'));
    expect(parse('2024-02-03T04:05:06+02:00')).toBe(Date.parse('2024-02-03T02:05:06Z'));
    expect(parse('2024-02-03')).toBe(new Date(2024, 1, 3).getTime());
    expect(parse('2024-02-03T04:05')).toBe(new Date(2024, 1, 3, 4, 5).getTime());
  });

  it('takes seconds since 1970, with a fraction', () => {
    expect(parse('1700000000.25')).toBe(1_700_000_000_250);
  });

  it.each(['', 'yesterday', '2024-13-45', '12:30'])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(/--since/);
  });
});
