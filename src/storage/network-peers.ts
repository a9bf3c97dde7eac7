/**
 * Who is on an overlay network on its other machines, as they said last: runRoot/networks/<name>.peers, changed under the
 * network's lock only. What another machine says is checked here before anything of it reaches a file of aardvark-dns.
 */
import { mkdirSync, rmSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { contains, subnetOf } from '../base/ip-network.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, boolean, type Check, natural, object, optional, parseJson, record, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import type { NetworkMember } from './network-members.ts';
import type { NetworkRecord } from './network-store.ts';
import { ensureRunRoot } from './roots.ts';

/** What other machines have to know of a member. */
export type PeerMember = Pick<
  NetworkMember,
  'containerId' | 'containerName' | 'addresses' | 'aliases' | 'dnsServers' | 'isUnhealthy'
>;

/** What one machine says of itself; a later one replaces it. */
export interface PeerState {
  /** Its clock when it said so, in milliseconds: an older statement than the one that is known is dropped. */
  readonly at: number;
  /** Its tunnel has just begun: it knows nothing of others, and its clock may have been set back. */
  readonly isNew: boolean;
  readonly members: readonly PeerMember[];
}

const peerState: Check<PeerState> = object({
  at: natural,
  isNew: boolean,
  members: array(
    object({
      containerId: string,
      containerName: string,
      addresses: array(string),
      aliases: array(string),
      dnsServers: () => [],
      isUnhealthy: optional(boolean),
    }),
  ),
});

const peerStates = record(peerState);

/** By the peer's name. */
export function readPeers(host: Host, { name }: Pick<NetworkRecord, 'name'>): Readonly<Record<string, PeerState>> {
  const path = layout.networkPeers(host, name);
  const value = readJsonFile(path);
  return value === undefined ? {} : peerStates(value, path);
}

/** The caller holds the network's lock. */
export function writePeers(
  host: Host,
  { name }: Pick<NetworkRecord, 'name'>,
  peers: Readonly<Record<string, PeerState>>,
): void {
  ensureRunRoot(host);
  mkdirSync(layout.runNetworks(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.networkPeers(host, name), peers, { mode: 0o600 });
}

export function forgetPeers(host: Host, { name }: Pick<NetworkRecord, 'name'>): void {
  rmSync(layout.networkPeers(host, name), { force: true });
}

/** A statement of another machine: members without an address of this network, and names that are none, are left out. */
export function parsePeerState(text: string, peer: string, { subnets }: Pick<NetworkRecord, 'subnets'>): PeerState {
  const said = parseJson(text, `what ${peer} says`, peerState);
  const nets = subnets.map(({ subnet }) => subnetOf(subnet));
  const members = said.members
    .filter(({ containerId, containerName }) => /^[\da-f]{64}$/.test(containerId) && isName(containerName))
    .map((member) => ({
      ...member,
      addresses: member.addresses.filter((address) => nets.some((net) => contains(net, address))),
      aliases: member.aliases.filter(isName),
    }))
    .filter(({ addresses }) => addresses.length > 0);
  return { ...said, members };
}

/** One word of aardvark-dns's files. */
const isName = (text: string) => /^[\w.-]{1,253}$/.test(text);
