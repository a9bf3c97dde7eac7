import { beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../src/base/host.ts';
import { formatSubnet } from '../../../src/base/ip-network.ts';
import { createNetwork, hostSubnets, type NetworkSpec } from '../../../src/engine/network-create.ts';
import { listNetworks, readNetwork } from '../../../src/storage/network-store.ts';
import { temporaryHost } from '../../support/store.ts';

let host: Host;
beforeEach(() => {
  host = temporaryHost();
});

const spec: NetworkSpec = {
  driver: 'bridge',
  ...{ subnets: [], gateways: [], ranges: [], dnsServers: [], labels: {}, options: {} },
  ...{ ipv6: false, internal: false, dns: true, ignore: false },
};
const create = (name: string, more: Partial<NetworkSpec> = {}) => createNetwork(host, { ...spec, name, ...more });

describe('createNetwork [U]', () => {
  it('chooses a subnet, its first address as gateway, and a bridge that nobody has', () => {
    const [first, second] = [create('a'), create('b')];
    expect(first).toMatchObject({ network_interface: 'ctr1', dns_enabled: true, ipv6_enabled: false });
    expect(first.subnets[0]?.subnet).not.toBe(second.subnets[0]?.subnet);
    expect(second.network_interface).toBe('ctr2');
    expect(readNetwork(host, 'a')).toEqual(first);
    expect(listNetworks(host).map(({ name }) => name)).toEqual(['bridge', 'a', 'b']);
  });

  it('takes subnet, gateway and range as they are given, each to its own', () => {
    const { subnets } = create('a', {
      subnets: ['10.97.0.5/24', 'fd00:97::/64'],
      gateways: ['fd00:97::ff', '10.97.0.254'],
      ranges: ['10.97.0.128/25'],
    });
    expect(subnets).toEqual([
      {
        subnet: '10.97.0.0/24',
        gateway: '10.97.0.254',
        lease_range: { start_ip: '10.97.0.128', end_ip: '10.97.0.255' },
      },
      { subnet: 'fd00:97::/64', gateway: 'fd00:97::ff' },
    ]);
  });

  it('adds an IPv6 subnet of RFC 4193 with --ipv6', () => {
    const { subnets, ipv6_enabled: isSix } = create('six', { ipv6: true });
    expect(isSix).toBe(true);
    expect(subnets.map(({ subnet }) => subnet)).toEqual([
      expect.stringContaining('10.'),
      expect.stringMatching(/^fd.*\/64$/),
    ]);
  });

  it.each([
    [{ subnets: ['10.97.0.0'] }, 'is no subnet'],
    [{ subnets: ['10.97.0.0/31'] }, 'has no room'],
    [{ subnets: ['10.88.1.0/24'] }, 'is already used'],
    [{ subnets: ['10.97.0.0/24'], gateways: ['10.98.0.1'] }, 'is in none of the network'],
    [{ driver: 'overlay2' }, 'unsupported driver'],
    [{ driver: 'macvlan', options: { parent: 'eth0' } }, 'only root may put a macvlan on it'],
    [{ options: { speed: '9' } }, 'unsupported network option speed'],
    [{ options: { mtu: '12' } }, 'want a number from 68'],
    [{ interfaceName: 'a-name-that-is-too-long' }, 'is no interface name'],
  ])('refuses %j: %s', (more, message) => {
    expect(() => create('a', more)).toThrow(message);
  });

  it.each(['host', 'pasta', 'container', 'a/b', '-x'])('refuses the name %s', (name) => {
    expect(() => create(name)).toThrow('name');
  });

  it('refuses a name that is taken, unless that is all right', () => {
    const first = create('a');
    expect(() => create('a')).toThrow('already used');
    expect(create('a', { ignore: true })).toEqual(first);
  });
});

describe('hostSubnets [U] proc_pid_net(5)', () => {
  it('are the routes without the default one', () => {
    const table = [
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0',
    ].join('\n');
    expect(hostSubnets(table).map(formatSubnet)).toEqual(['192.0.2.0/24']);
  });
});
