import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatSubnet, parseSubnet, subnetOf } from '../../../src/base/ip-network.ts';
import { readKeyFile } from '../../../src/engine/network-key-file.ts';
import { overlaySpec, ownPart, partOf } from '../../../src/engine/network-overlay.ts';
import { temporaryDirectory, temporaryHost } from '../../support/store.ts';

describe('the parts of a subnet [U]', () => {
  it.each([
    ['10.97.0.0/24', 2],
    ['10.97.0.0/24', 5],
    ['10.97.0.0/20', 16],
    ['fd00::/64', 3],
  ])('%s for %i machines: each has its own, and none is outside', (text, of) => {
    const net = subnetOf(text);
    const parts = Array.from({ length: of }, (_, index) => partOf(net, { index, of }));
    for (const [index, { first, last }] of parts.entries()) {
      expect(last).toBeGreaterThan(first + 2n);
      expect(first).toBe(index === 0 ? net.first : (parts[index - 1]?.last ?? 0n) + 1n);
      expect(last).toBeLessThanOrEqual(net.last);
    }
  });

  it('begin with the gateway of their machine', () => {
    expect(ownPart(subnetOf('10.97.0.0/24'), { index: 1, of: 3 })).toEqual({
      gateway: '10.97.0.65',
      lease_range: { start_ip: '10.97.0.66', end_ip: '10.97.0.127' },
    });
  });

  it('are refused where they would be too small', () => {
    const net = parseSubnet('10.97.0.0/28');
    expect(() => net && partOf(net, { index: 0, of: 5 })).toThrow('no room for the gateways and containers of 5');
  });
});

describe('overlaySpec [U]', () => {
  it('comes to the same on all machines, but for which one it is', async () => {
    const host = temporaryHost();
    const keyFile = `${temporaryDirectory()}/key`;
    writeFileSync(keyFile, `${'k'.repeat(64)}\n`, { mode: 0o600 });
    const names = ['gamma', 'alpha', 'beta'];
    const specs = await Promise.all(
      names.map((advertise) => overlaySpec(host, { name: 'team', peers: names, keyFile, advertise, etcd: undefined })),
    );
    expect(specs.map(({ part }) => part.index)).toEqual([2, 0, 1]);
    expect(specs.map(({ record }) => record.peers.length)).toEqual([2, 2, 2]);
    expect(new Set(specs.map(({ subnet4 }) => subnet4.first)).size).toBe(1);
    expect(new Set(specs.map(({ subnet6 }) => subnet6.first)).size).toBe(1);
    const { subnet4, subnet6 } = specs[0] ?? expect.fail();
    expect(parseSubnet(formatSubnet(subnet4))).toEqual(subnet4);
    expect(parseSubnet(formatSubnet(subnet6))).toEqual(subnet6);
    expect([formatSubnet(subnet4), formatSubnet(subnet6)]).toEqual([
      expect.stringMatching(/^10\..*\/20$/),
      expect.stringMatching(/^fd.*\/64$/),
    ]);
  });
});

describe('readKeyFile [U]', () => {
  it('does not count white space at the end, and refuses what others may read', () => {
    const host = temporaryHost();
    const path = `${temporaryDirectory()}/key`;
    writeFileSync(path, `${'k'.repeat(32)}\n\n`, { mode: 0o600 });
    expect(readKeyFile(host, path).toString()).toBe('k'.repeat(32));
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode);
      expect(() => readKeyFile(host, path)).toThrow('may be read by others');
    }
    expect(() => readKeyFile({ ...host, uid: host.uid + 1 }, path)).toThrow('belongs to user');
    expect(() => readKeyFile(host, '/dev/null')).toThrow('is not a file');
  });
});
