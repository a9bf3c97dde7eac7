import { describe, expect, it } from 'vitest';
import { sctpError } from '../../../src/net/host-ports.ts';
import { slirpArgs } from '../../../src/net/slirp.ts';
import { slirpAddresses } from '../../../src/net/slirp-options.ts';
import { checkSlirp, forwardRequest } from '../../../src/net/slirp-ports.ts';

const web = { hostPort: 8080, containerPort: 80, protocol: 'tcp' } as const;

describe('slirpArgs [U] slirp4netns(1)', () => {
  const slirp = (...options: string[]) => slirpArgs({ pid: 42, directory: '/run/c1', options, publish: [] }).join(' ');

  it('hides the host loopback unless asked', () => {
    expect(slirp()).toBe('--configure --ready-fd=3 --mtu=65520 --disable-host-loopback 42 tap0');
    expect(slirp('allow_host_loopback=true', 'mtu=1500')).toBe('--configure --ready-fd=3 --mtu=1500 42 tap0');
  });

  it('has an API socket only to publish ports', () => {
    const args = slirpArgs({ pid: 42, directory: '/run/c1', options: [], publish: [web] });
    expect(args).toContain('--api-socket=/proc/self/fd/4/slirp4netns.sock');
    expect(slirp('port_handler=slirp4netns')).not.toContain('api-socket');
  });

  it('refuses an option or a value that it does not know, and the handler that is not there', () => {
    expect(() => slirp('color=red')).toThrow('unknown option "color=red"');
    expect(() => slirp('toString=1')).toThrow('unknown option');
    expect(() => slirp('mtu')).toThrow('unknown option "mtu"');
    for (const wrong of ['mtu=9', 'mtu=65522', 'enable_ipv6=yes', 'allow_host_loopback=1', 'outbound_addr=']) {
      expect(() => slirp(wrong)).toThrow(`${wrong} is no value for`);
    }
    expect(() => slirp('port_handler=rootlesskit')).toThrow('forwarded by slirp4netns itself');
  });
});

describe('slirpAddresses [U]', () => {
  it('are those of its net, wherever it is', () => {
    expect(slirpAddresses([])).toEqual({ host: '10.0.2.2', nameserver: '10.0.2.3', container: '10.0.2.100' });
    expect(slirpAddresses(['cidr=192.168.7.0/24']).container).toBe('192.168.7.100');
    expect(() => slirpAddresses(['cidr=10.0.0.0/30'])).toThrow('no IPv4 network with room');
    expect(() => slirpAddresses(['cidr=fd00::/64'])).toThrow('no IPv4 network with room');
  });
});

describe('forwardRequest [U] slirp4netns(1) "API SOCKET"', () => {
  it('asks for a port on all addresses, or on one', () => {
    expect(JSON.parse(forwardRequest('10.0.2.100', { ...web, hostIp: '127.0.0.1' }))).toEqual({
      execute: 'add_hostfwd',
      arguments: { proto: 'tcp', host_addr: '127.0.0.1', host_port: 8080, guest_addr: '10.0.2.100', guest_port: 80 },
    });
    expect(forwardRequest('10.0.2.100', web)).toContain('"host_addr":"0.0.0.0"');
    expect(() => checkSlirp([], [web, { ...web, hostIp: '::1' }])).toThrow('[::1]:8080/tcp: slirp4netns forwards IPv4');
  });
});

describe('sctpError [U]', () => {
  it('says whether it is the kernel or the forwarder that has no SCTP', () => {
    const port = { hostPort: 132, containerPort: 132, protocol: 'sctp' } as const;
    expect(sctpError(port, false).message).toBe('cannot publish 132/sctp: this kernel has no SCTP');
    expect(sctpError(port, true).message).toContain('no program of an unprivileged user forwards SCTP');
  });
});
