import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contains,
  formatIp,
  formatSubnet,
  overlaps,
  parseIp,
  parseSubnet,
  subnetOf,
} from '../../../src/base/ip-network.ts';

const canonical = (text: string) => {
  const ip = parseIp(text);
  return ip && formatIp(ip.version, ip.value);
};

describe('parseIp and formatIp [U]', () => {
  it.each([
    ['10.89.0.1', '10.89.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
    ['fe80::1:0:0:1', 'fe80::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ])('%s is %s (RFC 5952)', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each(['', '1.2.3', '1.2.3.256', '1:2', ':::', '1::2::3', '12345::', 'g::', '1:2:3:4:5:6:7:8:9'])(
    '%s is no address',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );

  it('is the inverse of parseIp for every address', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        expect(parseIp(formatIp(6, value))).toEqual({ version: 6, value });
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), (value) => {
        expect(parseIp(formatIp(4, value))).toEqual({ version: 4, value });
      }),
    );
  });
});

describe('subnets [U]', () => {
  it('lose their host bits', () => {
    expect(formatSubnet(subnetOf('10.1.2.3/20'))).toBe('10.1.0.0/20');
    expect(formatSubnet(subnetOf('fd00:97::5/64'))).toBe('fd00:97::/64');
  });

  it.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/-1', '/8'])('%s is none', (text) => {
    expect(parseSubnet(text)).toBeUndefined();
  });

  it('contain addresses of their version, and overlap where one begins in the other', () => {
    const net = subnetOf('10.89.0.0/24');
    expect(contains(net, '10.89.0.255')).toBe(true);
    expect(contains(net, '10.89.1.0')).toBe(false);
    expect(contains(net, '::1')).toBe(false);
    expect(overlaps(net, subnetOf('10.0.0.0/8'))).toBe(true);
    expect(overlaps(net, subnetOf('10.89.1.0/24'))).toBe(false);
  });
});
