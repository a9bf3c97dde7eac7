/**
 * What `network create -d overlay` adds: which of the machines this one is, and the part of the subnet whose addresses
 * it gives out. All machines come to the same answers from the same flags, without asking each other.
 */
import { resolve } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { formatIp, type IpNetwork } from '../base/ip-network.ts';
import { parseEtcdUrl } from '../net/etcd.ts';
import { derive, type OverlaySecret } from '../net/overlay-keys.ts';
import { ownPeers, type PeerPlace, parsePeer, peerName } from '../net/peer-name.ts';
import type { OverlayRecord } from '../storage/network-store.ts';
import { readKeyFile } from './network-key-file.ts';

export interface OverlayFlags {
  /** Of the network; the keys depend on it. */
  readonly name: string | undefined;
  readonly peers: readonly string[];
  readonly keyFile: string | undefined;
  /** `--opt advertise=`: HOST[:PORT] of this machine. */
  readonly advertise: string | undefined;
  /** `--opt etcd=`: where the machines find each other. */
  readonly etcd: string | undefined;
}

/** What createNetwork needs to know of an overlay. */
export interface OverlaySpec {
  readonly record: OverlayRecord;
  /** Which of how many equal parts of a subnet is this machine's. */
  readonly part: { readonly index: number; readonly of: number };
  /** Where no --subnet is given: the same on all machines. */
  readonly subnet4: IpNetwork;
  readonly subnet6: IpNetwork;
}

export async function overlaySpec(host: Host, flags: OverlayFlags): Promise<OverlaySpec> {
  const { name, peers, keyFile, advertise } = flags;
  if (name === undefined) {
    throw new CtrError('USAGE', 'an overlay network needs a name: it is the same on all machines');
  }
  if (keyFile === undefined) {
    throw new CtrError('USAGE', 'an overlay network needs --key-file: the secret that its machines share', {
      hint: 'make one with: (umask 077; openssl rand -hex 32 >FILE), and copy it to each machine',
    });
  }
  const path = resolve(keyFile);
  const secret: OverlaySecret = { secret: readKeyFile(host, path), network: name };
  const places = peers.map((peer) => parsePeer(peer, '--peer'));
  const self = advertise === undefined ? await findSelf(places) : parsePeer(advertise, '--opt advertise=');
  const all = [...new Set([...places, self].map(peerName))].sort();
  const own = peerName(self);
  const record = { self: own, peers: all.filter((peer) => peer !== own), key_file: path };
  if (flags.etcd !== undefined) {
    const { claimPart, etcdParts } = await import('./network-directory.ts');
    const etcd = parseEtcdUrl(flags.etcd);
    const part = { index: await claimPart(etcd, secret, own), of: etcdParts };
    return { record: { ...record, etcd }, part, ...commonSubnets(secret) };
  }
  if (all.length < 2) {
    throw new CtrError('USAGE', 'an overlay network needs --peer HOST[:PORT] for its other machines', {
      hint: 'or an etcd where they find each other: --opt etcd=http://HOST:2379',
    });
  }
  return { record, part: { index: all.indexOf(own), of: all.length }, ...commonSubnets(secret) };
}

async function findSelf(places: readonly PeerPlace[]): Promise<PeerPlace> {
  const [self, ...others] = await ownPeers(places);
  if (self && others.length === 0) return self;
  const found = self ? `${[self, ...others].map(peerName).join(' and ')} are both` : 'no --peer is';
  throw new CtrError('USAGE', `${found} this machine, by its addresses`, {
    hint: 'say which it is, as the others name it: --opt advertise=HOST[:PORT]',
  });
}

/** A /20 between 10.128.0.0 and 10.255.255.255, and a /64 of RFC 4193, from the secret and the network's name. */
function commonSubnets(secret: OverlaySecret): Pick<OverlaySpec, 'subnet4' | 'subnet6'> {
  const [size4, size6] = [1n << 12n, 1n << 64n];
  const choice = BigInt(derive(secret, ['subnet'], 2).readUInt16BE() % 2048);
  const first4 = 0x0a800000n + choice * size4;
  const first6 = BigInt(`0xfd${derive(secret, ['subnet6'], 5).toString('hex')}`) << 80n;
  return {
    subnet4: { version: 4, first: first4, last: first4 + size4 - 1n, prefix: 20 },
    subnet6: { version: 6, first: first6, last: first6 + size6 - 1n, prefix: 64 },
  };
}

/** The part of `net` with this index: as many equal ones as the next power of two. */
export function partOf(net: IpNetwork, { index, of }: OverlaySpec['part']): { readonly first: bigint; last: bigint } {
  let parts = 1n;
  while (parts < BigInt(of)) parts *= 2n;
  const size = (net.last - net.first + 1n) / parts;
  const minSize = 4n;
  if (size < minSize) {
    throw new CtrError('INVALID', `the subnet has no room for the gateways and containers of ${of} machines`, {
      hint: 'give a larger --subnet, the same on all machines',
    });
  }
  const first = net.first + BigInt(index) * size;
  return { first, last: first + size - 1n };
}

/** Gateway and addresses of this machine in `net`. */
export function ownPart(net: IpNetwork, part: OverlaySpec['part']) {
  const { first, last } = partOf(net, part);
  return {
    gateway: formatIp(net.version, first + 1n),
    lease_range: { start_ip: formatIp(net.version, first + 2n), end_ip: formatIp(net.version, last) },
  };
}
