import { describe, expect, it } from 'vitest';
import { runRequestOf } from '../../../support/run-request.ts';

const networkOf = (...flags: readonly string[]) => runRequestOf([...flags, 'alpine']).network;
const one = (...options: readonly string[]) => ({ mode: 'bridge', networks: [{ name: 'front', options }] });

describe('addresses on named networks [U] podman-run(1)', () => {
  it('--ip, --ip6, --mac-address and --network-alias are words of the one network', () => {
    expect(networkOf('--network', 'front', '--ip', '10.89.0.9', '--mac-address', '02-42-AC-11-00-02')).toEqual(
      one('ip=10.89.0.9', 'mac=02:42:ac:11:00:02'),
    );
    expect(networkOf('--network', 'front', '--ip6', 'fd00::9', '--network-alias', 'www')).toEqual(
      one('ip6=fd00::9', 'alias=www'),
    );
  });

  it('an alias holds on every network; an address must name its own', () => {
    const both = networkOf('--network', 'a', '--network', 'b:ip=10.89.1.9', '--network-alias', 'www');
    expect(both).toEqual({
      mode: 'bridge',
      networks: [
        { name: 'a', options: ['alias=www'] },
        { name: 'b', options: ['ip=10.89.1.9', 'alias=www'] },
      ],
    });
    expect(() => networkOf('--network', 'a', '--network', 'b', '--ip', '10.89.1.9')).toThrow('a single network');
  });

  it.each([
    [['--ip', '10.0.0.1'], 'need a named network'],
    [['--network', 'none', '--network-alias', 'www'], 'need a named network'],
    [['--network', 'front', '--ip', 'fd00::1'], 'want an IPv4 address'],
    [['--network', 'front', '--ip6', '10.0.0.1'], 'want an IPv6 address'],
    [['--network', 'front:mac=1'], 'want an address like'],
    [['--network', 'front:interface_name=a-name-that-is-too-long'], 'at most 15 bytes'],
    [['--network', 'front', '--network-alias', 'a,b'], 'want a name'],
  ])('%j is refused: %s', (flags, message) => {
    expect(() => networkOf(...flags)).toThrow(message);
  });
});

describe('--expose and --hosts-file [U] podman-run(1)', () => {
  it('ports are named as an image names them', () => {
    expect(runRequestOf(['--expose', '80-81', '--expose', '53/udp', 'alpine']).expose).toEqual([
      '80/tcp',
      '81/tcp',
      '53/udp',
    ]);
    expect(() => runRequestOf(['--expose', '0', 'alpine'])).toThrow('no port');
  });

  it('the base of /etc/hosts is a file that is there, "none" or "image"', () => {
    expect(runRequestOf(['--hosts-file', 'none', 'alpine']).hostsFile).toBe('none');
    expect(runRequestOf(['--hosts-file', '/etc/hosts', 'alpine']).hostsFile).toBe('/etc/hosts');
    expect(() => runRequestOf(['--hosts-file', '/no/such', 'alpine'])).toThrow('want a file');
  });
});
