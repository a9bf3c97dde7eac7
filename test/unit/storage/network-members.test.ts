import { describe, expect, it } from 'vitest';
import { allocateAddresses, type NetworkMember, type NetworkMembers } from '../../../src/storage/network-members.ts';

const subnets = [{ subnet: '10.89.0.0/29', gateway: '10.89.0.1' }];
const network = { name: 'front', subnets };
const member = (containerName: string, ...addresses: readonly string[]): NetworkMember => ({
  containerId: containerName,
  containerName,
  interfaceName: 'eth0',
  addresses,
  mac: '02:00:00:00:00:01',
  aliases: [],
  dnsServers: [],
  joinedAt: 0,
});
const known = (members: readonly NetworkMember[], last: NetworkMembers['last'] = {}): NetworkMembers => ({
  members,
  last,
});

describe('allocateAddresses [U]', () => {
  it('begins behind the gateway', () => {
    expect(allocateAddresses(network, known([]), [])).toEqual({
      addresses: ['10.89.0.2'],
      last: { '10.89.0.0/29': '10.89.0.2' },
    });
  });

  it('goes on from the address that was given out last, so that one that was freed rests', () => {
    expect(allocateAddresses(network, known([], { '10.89.0.0/29': '10.89.0.4' }), []).addresses).toEqual(['10.89.0.5']);
  });

  it('begins again at the end, and leaves out who is there', () => {
    const there = known([member('a', '10.89.0.2')], { '10.89.0.0/29': '10.89.0.6' });
    expect(allocateAddresses(network, there, []).addresses).toEqual(['10.89.0.3']);
  });

  it('gives out every address once, and then says that there is none left', () => {
    let state = known([]);
    const given: string[] = [];
    for (let count = 0; count < 5; count++) {
      const { addresses, last } = allocateAddresses(network, state, []);
      given.push(...addresses);
      state = { last, members: [...state.members, member(`c${count}`, ...addresses)] };
    }
    expect(given).toEqual(['10.89.0.2', '10.89.0.3', '10.89.0.4', '10.89.0.5', '10.89.0.6']);
    expect(() => allocateAddresses(network, state, [])).toThrow('no free address left in 10.89.0.0/29');
  });

  it('keeps to --ip-range', () => {
    const range = { start_ip: '10.89.0.5', end_ip: '10.89.0.6' };
    const ranged = { name: 'front', subnets: [{ ...subnets[0], subnet: '10.89.0.0/29', lease_range: range }] };
    expect(allocateAddresses(ranged, known([]), []).addresses).toEqual(['10.89.0.5']);
    const full = known([member('a', '10.89.0.5'), member('b', '10.89.0.6')]);
    expect(() => allocateAddresses(ranged, full, [])).toThrow('no free address');
  });

  it('gives the address that is wanted, also outside of the range, unless somebody has it', () => {
    expect(allocateAddresses(network, known([]), ['10.89.0.6']).addresses).toEqual(['10.89.0.6']);
    expect(() => allocateAddresses(network, known([member('web', '10.89.0.6')]), ['10.89.0.6'])).toThrow(
      'address 10.89.0.6 of network front belongs to web',
    );
  });

  it.each(['10.89.0.0', '10.89.0.1', '10.89.0.7', '10.89.1.2', 'fd00::2'])('refuses %s', (address) => {
    expect(() => allocateAddresses(network, known([]), [address])).toThrow(`has no address ${address} to give`);
  });

  it('gives one address of each subnet', () => {
    const both = { name: 'six', subnets: [...subnets, { subnet: 'fd00:97::/64', gateway: 'fd00:97::1' }] };
    expect(allocateAddresses(both, known([]), ['fd00:97::9']).addresses).toEqual(['10.89.0.2', 'fd00:97::9']);
    expect(allocateAddresses(both, known([]), []).addresses).toEqual(['10.89.0.2', 'fd00:97::2']);
  });
});
