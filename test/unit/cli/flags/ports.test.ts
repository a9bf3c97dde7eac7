import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIpAddress } from '../../../../src/cli/flags/ip-address.ts';
import { parsePublish } from '../../../../src/cli/flags/ports.ts';

describe('parsePublish [U] podman-run(1) "--publish"', () => {
  it.each([
    ['80', [{ hostPort: 0, containerPort: 80, protocol: 'tcp' }]],
    ['8080:80', [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }]],
    ['53:53/udp', [{ hostPort: 53, containerPort: 53, protocol: 'udp' }]],
    ['127.0.0.1::80', [{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }]],
    ['[::1]:8080:80', [{ hostIp: '::1', hostPort: 8080, containerPort: 80, protocol: 'tcp' }]],
  ])('reads %s', (text, ports) => {
    expect(parsePublish(text)).toEqual(ports);
  });

  it('pairs the ports of two ranges', () => {
    expect(parsePublish('8000-8002:80-82').map((one) => [one.hostPort, one.containerPort])).toEqual([
      [8000, 80],
      [8001, 81],
      [8002, 82],
    ]);
  });

  it.each([
    ['', 'want [[IP:][HOSTPORT]:]PORT'],
    ['a:80', 'want [[IP:][HOSTPORT]:]PORT'],
    ['0', '"0" is no port'],
    ['65536', '"65536" is no port'],
    ['82-80', '"82-80" is no port'],
    ['1-2:80', 'must have the same length'],
    ['80/icmp', 'tcp, udp or sctp'],
    ['::1:80:80', 'want [[IP:]'],
    ['300.0.0.1:80:80', 'is no IP address'],
    ['[127.0.0.1]:80:80', 'is no IP address'],
  ])('refuses %j, saying %s', (text, why) => {
    expect(() => parsePublish(text)).toThrow(why);
  });

  it('reads back every mapping it was made of', () => {
    const port = fc.integer({ min: 1, max: 65_000 });
    const ip = fc.option(fc.oneof(fc.ipV4(), fc.ipV6()), { nil: undefined });
    fc.assert(
      fc.property(ip, port, port, fc.integer({ min: 0, max: 20 }), (hostIp, host, container, more) => {
        const prefix = hostIp === undefined ? '' : hostIp.includes(':') ? `[${hostIp}]:` : `${hostIp}:`;
        const range = (first: number) => (more === 0 ? `${first}` : `${first}-${first + more}`);
        const ports = parsePublish(`${prefix}${range(host)}:${range(container)}`);
        expect(ports).toHaveLength(more + 1);
        expect(ports.at(-1)).toEqual({
          ...(hostIp === undefined ? {} : { hostIp }),
          hostPort: host + more,
          containerPort: container + more,
          protocol: 'tcp',
        });
      }),
    );
  });
});

describe('isIpAddress [U]', () => {
  it('accepts every IPv4 and IPv6 address', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), isIpAddress));
  });

  it.each(['', '1.2.3', '1.2.3.256', 'localhost', ':', '1::2::3', '::1]', '12345::'])('refuses %j', (text) => {
    expect(isIpAddress(text)).toBe(false);
  });
});
