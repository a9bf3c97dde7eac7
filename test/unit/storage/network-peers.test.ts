import { describe, expect, it } from 'vitest';
import { parsePeerState, readPeers, writePeers } from '../../../src/storage/network-peers.ts';
import { temporaryHost } from '../../support/store.ts';

const network = { name: 'team', subnets: [{ subnet: '10.97.0.0/24' }] };
const member = {
  containerId: 'a'.repeat(64),
  containerName: 'web',
  addresses: ['10.97.0.9'],
  aliases: ['web', 'www'],
};
const parse = (members: readonly object[]) =>
  parsePeerState(JSON.stringify({ at: 1, isNew: false, members }), 'beta:51820', network).members;

describe('parsePeerState [U]', () => {
  it('takes what a machine says of its containers', () => {
    expect(parse([member])).toEqual([{ ...member, dnsServers: [] }]);
  });

  it.each([
    ['an ID that is none', { containerId: 'x' }],
    ['a name of two lines', { containerName: 'web\nevil' }],
    ['an address of another network', { addresses: ['192.0.2.1'] }],
    ['an address that is none', { addresses: ['10.97.0.9,10.0.0.1'] }],
  ])('leaves out a container with %s', (_what, change) => {
    expect(parse([{ ...member, ...change }, member])).toHaveLength(1);
  });

  it('leaves out aliases that would be more than a word in a file of aardvark-dns', () => {
    const aliases = ['a b', 'a,b', 'a\nb', '', 'ok', 'x'.repeat(300)];
    expect(parse([{ ...member, aliases }])[0]?.aliases).toEqual(['ok']);
  });

  it('never lets another machine say where names are looked up', () => {
    expect(parse([{ ...member, dnsServers: ['192.0.2.53'] }])[0]?.dnsServers).toEqual([]);
  });

  it.each(['', 'null', '{}', '{"at":1,"isNew":false,"members":[{}]}'])('refuses %j', (text) => {
    expect(() => parsePeerState(text, 'beta:51820', network)).toThrow('what beta:51820 says');
  });
});

describe('readPeers [U]', () => {
  it('reads what writePeers wrote; nobody where nothing is known', () => {
    const host = temporaryHost();
    expect(readPeers(host, network)).toEqual({});
    const states = { 'beta:51820': { at: 1, isNew: true, members: parse([member]) } };
    writePeers(host, network, states);
    expect(readPeers(host, network)).toEqual(states);
  });
});
