/**
 * Who is on a network at this moment, with which addresses: runRoot/networks/<name>.json, changed under the network's
 * lock only. The addresses that are given out are exactly those of the members, so that there is no second book.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { formatIp, type IpNetwork, parseIp, subnetOf } from '../base/ip-network.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, boolean, type Check, natural, object, optional, record, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import { type Lock, lockOf, lockWhenFree } from './lock.ts';
import type { NetworkRecord, NetworkSubnet } from './network-store.ts';
import { ensureRunRoot } from './roots.ts';

export interface NetworkMember {
  readonly containerId: string;
  readonly containerName: string;
  /** In the container: eth0, eth1, … */
  readonly interfaceName: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  /** Names that resolve to it on this network, its own and its short ID among them. */
  readonly aliases: readonly string[];
  /** Where the container's own DNS queries go that no container answers (`--dns`). */
  readonly dnsServers: readonly string[];
  /** It may reach the host's loopback: it was started with a name for it. */
  readonly reachesHost?: boolean;
  /** Its health check failed: the aliases leave it out. */
  readonly isUnhealthy?: boolean;
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
}

export interface NetworkMembers {
  /** The address that was given out last, by subnet: the next one follows it. */
  readonly last: Readonly<Record<string, string>>;
  readonly members: readonly NetworkMember[];
}

const networkMembers: Check<NetworkMembers> = object({
  last: record(string),
  members: array(
    object({
      containerId: string,
      containerName: string,
      interfaceName: string,
      addresses: array(string),
      mac: string,
      aliases: array(string),
      dnsServers: array(string),
      reachesHost: optional(boolean),
      isUnhealthy: optional(boolean),
      joinedAt: natural,
    }),
  ),
});

export function readMembers(host: Host, network: Pick<NetworkRecord, 'name'>): NetworkMembers {
  const path = layout.networkMembers(host, network.name);
  const value = readJsonFile(path);
  return value === undefined ? { last: {}, members: [] } : networkMembers(value, path);
}

/** The caller holds the network's lock. */
export function writeMembers(host: Host, { name }: Pick<NetworkRecord, 'name'>, members: NetworkMembers): void {
  ensureRunRoot(host);
  mkdirSync(layout.runNetworks(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.networkMembers(host, name), members, { mode: 0o600 });
}

export function forgetMembers(host: Host, { name }: Pick<NetworkRecord, 'name'>): void {
  rmSync(layout.networkMembers(host, name), { force: true });
}

/** Held while somebody joins or leaves, and while the network is removed. */
export function lockNetwork(host: Host, { name }: Pick<NetworkRecord, 'name'>): Promise<Lock> {
  return lockWhenFree(lockOf(host, 'network', name));
}

/**
 * One address of each subnet that no member has: the wanted ones, else the next after the one given out last. Throws
 * IN_USE for a wanted address that is taken, and NO_SPACE when a subnet has none left.
 */
export function allocateAddresses(
  { name, subnets, overlay }: Pick<NetworkRecord, 'name' | 'subnets' | 'overlay'>,
  { last, members }: NetworkMembers,
  wanted: readonly string[],
): { readonly addresses: readonly string[]; readonly last: NetworkMembers['last'] } {
  const taken = new Map(members.flatMap((member) => member.addresses.map((one) => [one, member.containerName])));
  const nets = subnets.map((subnet) => ({ subnet, net: subnetOf(subnet.subnet) }));
  const isOwn = ({ subnet, net }: (typeof nets)[number], address: string) =>
    isUsable(subnet, net, address) && (!overlay || isLeased(subnet, address));
  const stray = wanted.find((address) => !nets.some((one) => isOwn(one, address)));
  if (stray !== undefined) {
    const given = subnets.map(({ subnet, lease_range: range }) =>
      overlay && range ? `${range.start_ip} to ${range.end_ip} on this machine` : subnet,
    );
    throw new CtrError('INVALID', `network ${name} has no address ${stray} to give`, {
      hint: `it has ${given.join(', ') || 'no subnet'}`,
    });
  }
  const next = { ...last };
  const addresses = nets.map(({ subnet, net }) => {
    const chosen = wanted.find((address) => isUsable(subnet, net, address));
    if (chosen !== undefined) {
      const owner = taken.get(chosen);
      if (owner !== undefined) throw new CtrError('IN_USE', `address ${chosen} of network ${name} belongs to ${owner}`);
      return chosen;
    }
    const free = nextFree(subnet, net, new Set(taken.keys()), last[subnet.subnet]);
    if (free === undefined) {
      throw new CtrError('NO_SPACE', `network ${name} has no free address left in ${subnet.subnet}`, {
        hint: 'a larger subnet or --ip-range gives more',
      });
    }
    next[subnet.subnet] = free;
    return free;
  });
  return { addresses, last: next };
}

/** Host addresses: not the network's own, not the broadcast address, not the gateway. */
function isUsable({ gateway }: NetworkSubnet, net: IpNetwork, address: string): boolean {
  const ip = parseIp(address);
  if (!ip || ip.version !== net.version || address === gateway) return false;
  return ip.value > net.first && (net.version === 6 ? ip.value <= net.last : ip.value < net.last);
}

/** Other machines give out the rest of an overlay's subnet. */
function isLeased({ lease_range: range }: NetworkSubnet, address: string): boolean {
  const [from, to, ip] = [range?.start_ip, range?.end_ip, address].map((text) => text && parseIp(text));
  return !from || !to || (!!ip && ip.value >= from.value && ip.value <= to.value);
}

function nextFree(subnet: NetworkSubnet, net: IpNetwork, taken: ReadonlySet<string>, last: string | undefined) {
  const bound = (text: string | undefined, otherwise: bigint) => (text && parseIp(text)?.value) || otherwise;
  const from = bound(subnet.lease_range?.start_ip, net.first + 1n);
  const to = bound(subnet.lease_range?.end_ip, net.version === 4 ? net.last - 1n : net.last);
  const before = bound(last, from - 1n);
  const start = before >= from && before < to ? before + 1n : from;
  // More candidates than there are taken ones and the gateway: one of them is free, unless the range ends.
  const span = to - from + 1n;
  const tries = span < BigInt(taken.size + 3) ? span : BigInt(taken.size + 3);
  for (let step = 0n; step < tries; step++) {
    const address = formatIp(net.version, from + ((start - from + step) % span));
    if (!taken.has(address) && isUsable(subnet, net, address)) return address;
  }
  return undefined;
}
