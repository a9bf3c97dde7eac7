import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type OverlaySecret,
  presharedKeyOf,
  privateKeyOf,
  publicKeyOf,
  tunnelAddressOf,
} from '../../../src/net/overlay-keys.ts';
import { floodCommands, routeCommands, tunnelCommands, wireguardConfig } from '../../../src/net/wireguard.ts';
import { onPath } from '../../support/needs.ts';

const team: OverlaySecret = { secret: Buffer.alloc(32, 7), network: 'team' };
const [one, two] = ['alpha.example:51820', 'beta.example:51820'];

describe('keys of an overlay [U]', () => {
  it('are the same on each machine, whoever computes them', () => {
    const again = { secret: Buffer.alloc(32, 7), network: 'team' };
    expect(publicKeyOf(again, one)).toBe(publicKeyOf(team, one));
    expect(presharedKeyOf(team, one, two)).toBe(presharedKeyOf(again, two, one));
    expect(tunnelAddressOf(team, one)).toMatch(/^fd[\da-f]{2}:/);
  });

  it('differ with the secret, the network and the machine', () => {
    const others: OverlaySecret[] = [
      { ...team, network: 'other' },
      { ...team, secret: Buffer.alloc(32, 8) },
    ];
    const all = [team, ...others].flatMap((of) => [one, two].map((peer) => [of, peer] as const));
    for (const derive of [privateKeyOf, publicKeyOf, tunnelAddressOf]) {
      expect(new Set(all.map(([of, peer]) => derive(of, peer))).size).toBe(all.length);
    }
    // Names that run together are no trick: ("a", "bc") is not ("ab", "c").
    expect(presharedKeyOf(team, 'a', 'bc')).not.toBe(presharedKeyOf(team, 'ab', 'c'));
  });

  it.skipIf(!onPath('wg'))('are what wg(8) makes of them', () => {
    for (let round = 0; round < 5; round++) {
      const of = { ...team, secret: randomBytes(32) };
      const said = execFileSync('wg', ['pubkey'], { input: privateKeyOf(of, one), encoding: 'utf8' });
      expect(said.trim()).toBe(publicKeyOf(of, one));
    }
  });
});

describe('the tunnel of an overlay [U]', () => {
  it('lets each peer speak from its own address only, wherever it is', () => {
    const text = wireguardConfig(team, { name: one, port: 51820 }, [
      { name: two, endpoint: { address: '2001:db8::2', port: 4000 } },
      { name: 'gamma.example:51820' },
    ]);
    expect(text.split('[Peer]')).toHaveLength(3);
    expect(text).toContain(`PrivateKey = ${privateKeyOf(team, one)}\nListenPort = 51820\n`);
    expect(text).toContain(`AllowedIPs = ${tunnelAddressOf(team, two)}/128\nPersistentKeepalive = 25\n`);
    expect(text).toContain('Endpoint = [2001:db8::2]:4000\n');
    expect(text.match(/Endpoint/g)).toHaveLength(1);
  });

  it('is made by commands for ip(8) and bridge(8)', () => {
    const [own, other] = [tunnelAddressOf(team, one), tunnelAddressOf(team, two)];
    expect(tunnelCommands(team, one, { name: 'vx-1', network: '/proc/7/ns/net', mtu: 1350 })).toBe(
      `address add ${own}/128 dev wg0 nodad\nlink set dev wg0 mtu 1420 up\n` +
        `link add name vx-1 netns /proc/7/ns/net mtu 1350 type vxlan id 1 local ${own} dstport 4789\n`,
    );
    expect(routeCommands(team, [two])).toBe(`route replace ${other}/128 dev wg0\n`);
    expect(floodCommands(team, 'vx-1', [two])).toBe(`fdb append 00:00:00:00:00:00 dev vx-1 dst ${other}\n`);
  });
});
