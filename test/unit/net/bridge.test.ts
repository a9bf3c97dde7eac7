import { describe, expect, it } from 'vitest';
import { zoneText } from '../../../src/net/aardvark.ts';
import { parseDefaultGateway } from '../../../src/net/default-gateway.ts';
import { netavarkError, netavarkInput } from '../../../src/net/netavark.ts';
import { pastaArgs, uplinkArgs } from '../../../src/net/pasta.ts';

describe('zoneText [U] aardvark-dns', () => {
  it('has a line of listeners, and one for each container', () => {
    const entry = { containerId: 'c1', addresses: ['10.89.0.2', 'fd00::2'], aliases: ['Web', 'www'], dnsServers: [] };
    const text = zoneText({ listen: ['10.89.0.1', 'fd00::1'], dnsServers: [], entries: [entry] });
    expect(text).toBe('10.89.0.1,fd00::1\nc1 10.89.0.2 fd00::2 web,www\n');
  });

  it('names the servers for all other names, of the network and of one container', () => {
    const entry = { containerId: 'c1', addresses: ['10.89.0.2'], aliases: ['a'], dnsServers: ['9.9.9.9'] };
    expect(zoneText({ listen: ['10.89.0.1'], dnsServers: ['1.1.1.1'], entries: [entry] })).toBe(
      '10.89.0.1 1.1.1.1\nc1 10.89.0.2  a 9.9.9.9\n',
    );
  });
});

describe('netavarkInput [U]', () => {
  const network = { name: 'front', driver: 'bridge', options: {} };
  const input = (options: Record<string, string>, driver = 'bridge') =>
    JSON.parse(
      netavarkInput('c1', 'web', [
        {
          network: { ...network, driver, options },
          interfaceName: 'eth0',
          addresses: ['10.89.0.2'],
          mac: '02:00:00:00:00:01',
        },
      ]),
    );

  it('says where the container is, and leaves names to us', () => {
    expect(input({})).toMatchObject({
      container_id: 'c1',
      container_name: 'web',
      networks: { front: { interface_name: 'eth0', static_ips: ['10.89.0.2'], static_mac: '02:00:00:00:00:01' } },
      network_info: { front: { driver: 'bridge', dns_enabled: false } },
    });
  });

  it('keeps networks apart unless isolate=false, and drops options that are ours', () => {
    expect(input({ host_loopback: 'true', mtu: '1400' }).network_info.front.options).toEqual({
      isolate: 'true',
      mtu: '1400',
    });
    expect(input({ isolate: 'false' }).network_info.front.options).toEqual({ isolate: 'false' });
    expect(input({}, 'macvlan').network_info.front.options).toEqual({});
  });

  it('turns the answer of a failure into one line', () => {
    const error = netavarkError('{"error":"IO error: Operation not supported (os error 95)"}', 1);
    expect(error.message).toBe('netavark: IO error: Operation not supported (os error 95)');
  });
});

describe('pasta beside a bridge [U]', () => {
  it('is the holder’s way out, with the host’s loopback behind a link-local gateway', () => {
    expect(uplinkArgs('/run/netns').join(' ')).toBe(
      '--config-net --quiet -I uplink0 -a 169.254.2.100 -n 24 -g 169.254.2.2 -g fe80::c6:1 ' +
        '--dns-forward 169.254.2.3 -t none -u none -T none -U none --netns /run/netns',
    );
  });

  it('publishes ports for the container’s own addresses', () => {
    const publish = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] as const;
    const request = { pid: 42, directory: '/run/c1', options: [], publish, hostLoopback: false };
    expect(pastaArgs({ ...request, publishFor: ['10.89.0.2'] }, 1000).join(' ')).toBe(
      '-I publish0 -a 10.89.0.2 -g 169.254.3.1 -n 32 -4 --quiet --no-map-gw -t 8080:80 -u none -T none -U none ' +
        '--userns /proc/42/ns/user --netns /run/c1/pasta/netns',
    );
  });
});

describe('parseDefaultGateway [U] proc_pid_net(5)', () => {
  it('finds the gateway of the default route', () => {
    const table = 'Iface\tDestination\tGateway\neth0\t000200C0\t00000000\neth0\t00000000\t010200C0\n';
    expect(parseDefaultGateway(table)).toBe('192.0.2.1');
    expect(parseDefaultGateway('Iface\tDestination\tGateway\n')).toBeUndefined();
  });
});
