import { describe, expect, it } from 'vitest';
import { containerEnvText, hostsText, resolvText } from '../../../src/engine/etc-files.ts';

describe('hostsText [U] hosts(5)', () => {
  it('puts the flags first, then the host, then the container itself', () => {
    const text = hostsText({
      base: '127.0.0.1 localhost # here\n\n10.1.1.1   nas nas.lan\n',
      addHosts: ['db;database:10.0.0.9', 'up:host-gateway'],
      hostname: 'abc',
      name: 'web',
      ownAddress: '10.0.2.100',
      hostAddress: '10.0.2.2',
    });
    expect(text).toBe(
      [
        '10.0.0.9\tdb database',
        '10.0.2.2\tup',
        '127.0.0.1\tlocalhost',
        '10.1.1.1\tnas\tnas.lan',
        '10.0.2.100\tabc web',
        '10.0.2.2\thost.containers.internal host.docker.internal',
        '',
      ].join('\n'),
    );
  });

  it('keeps the colons of an IPv6 address', () => {
    expect(hostsText({ base: '', addHosts: ['a:fe80::1'], hostname: 'h' })).toContain('fe80::1\ta\n');
  });

  it('knows localhost even when the host does not', () => {
    expect(hostsText({ base: '', addHosts: [], hostname: 'h' })).toBe(
      '127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.0.1\th\n',
    );
  });
});

describe('resolvText [U] resolv.conf(5)', () => {
  const base =
    '# made by hand\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch lan example.org\noptions edns0 trust-ad\n';
  const request = { base, dns: [], dnsSearch: [], dnsOptions: [], ownLoopback: true, networkServers: [] };

  it("drops the host's loopback servers where loopback is the container's own", () => {
    expect(resolvText(request)).toBe('search lan example.org\nnameserver 10.0.0.1\noptions edns0 trust-ad\n');
  });

  it("keeps them with the host's network", () => {
    expect(resolvText({ ...request, ownLoopback: false })).toContain('nameserver 127.0.0.53\nnameserver 10.0.0.1\n');
  });

  it("asks the network's own servers first", () => {
    expect(resolvText({ ...request, networkServers: ['10.0.2.3'] })).toContain(
      'nameserver 10.0.2.3\nnameserver 10.0.0.1\n',
    );
  });

  it('lets each flag replace what the host says about the same thing', () => {
    expect(resolvText({ ...request, dns: ['9.9.9.9'], dnsSearch: ['a'], dnsOptions: ['ndots:2'] })).toBe(
      'search a\nnameserver 9.9.9.9\noptions ndots:2\n',
    );
  });

  it('has no search domains for "."', () => {
    expect(resolvText({ ...request, dnsSearch: ['.'] })).not.toContain('search');
  });
});

describe('containerEnvText [U]', () => {
  const request = { version: '1.0', id: 'abc', name: 'web', image: 'docker.io/library/alpine', imageId: 'def' };

  it('is empty for an ordinary container, which knows by the file alone', () => {
    expect(containerEnvText({ ...request, privileged: false })).toBe('');
  });

  it('tells a privileged container what it is', () => {
    expect(containerEnvText({ ...request, privileged: true })).toBe(
      'engine="ctr-1.0"\nname="web"\nid="abc"\nimage="docker.io/library/alpine"\nimageid="def"\nrootless=1\n',
    );
  });
});
