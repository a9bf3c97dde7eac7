/** Joining and leaving one network: addresses and names. Interfaces are made by network-setup.ts. */

import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { randomHex } from '../base/random.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { lockOf, tryLock } from '../storage/lock.ts';
import {
  allocateAddresses,
  lockNetwork,
  type NetworkMember,
  type NetworkMembers,
  readMembers,
  writeMembers,
} from '../storage/network-members.ts';
import { listNetworks, type NetworkRecord, readNetwork } from '../storage/network-store.ts';
import { hostGatewayWanted } from './etc-files.ts';
import { askForSync } from './network-sync-request.ts';
import type { NetworkAttachment, RunRequest } from './run-request.ts';

export interface JoinRequest {
  readonly request: Pick<RunRequest, 'dns' | 'addHosts' | 'hostname'>;
  readonly attachment: NetworkAttachment | undefined;
  /** Which of the container's networks it is: the number of its interface. */
  readonly index: number;
}

/** Idempotent: one that is a member already keeps its place. */
export async function joinNetwork(
  host: Host,
  network: NetworkRecord,
  container: Pick<ContainerRecord, 'id' | 'name'>,
  join: JoinRequest,
): Promise<NetworkMember> {
  using _lock = await lockNetwork(host, network);
  if (!readNetwork(host, network.name)) {
    throw new CtrError('NOT_FOUND', `network ${network.name} was removed while container ${container.name} joined it`);
  }
  const known = withoutLost(host, readMembers(host, network));
  const others = { ...known, members: known.members.filter(({ containerId }) => containerId !== container.id) };
  const { addresses, last } = allocateAddresses(network, others, wantedAddresses(join.attachment));
  const member: NetworkMember = {
    containerId: container.id,
    containerName: container.name,
    interfaceName: optionOf(join.attachment, 'interface_name') ?? `eth${join.index}`,
    addresses,
    mac: optionOf(join.attachment, 'mac') ?? randomMac(),
    aliases: aliasesFor(container, join),
    dnsServers: join.request.dns.filter((server) => server !== 'none'),
    reachesHost: hostGatewayWanted(join.request.addHosts),
    joinedAt: Date.now(),
  };
  const members = [...others.members, member];
  writeMembers(host, network, { last, members });
  askForSync(host, network);
  return member;
}

/** Idempotent. */
export async function leaveNetwork(host: Host, name: string, containerId: string): Promise<void> {
  const network = readNetwork(host, name);
  if (!network) return;
  using _lock = await lockNetwork(host, network);
  const known = readMembers(host, network);
  const members = known.members.filter((member) => member.containerId !== containerId);
  if (members.length === known.members.length) return;
  writeMembers(host, network, { ...known, members });
  askForSync(host, network);
}

/** Change what a member is known by: its name, its health. Returns whether something changed. */
export async function updateMember(
  host: Host,
  name: string,
  containerId: string,
  change: (member: NetworkMember) => NetworkMember,
): Promise<boolean> {
  const network = readNetwork(host, name);
  if (!network) return false;
  using _lock = await lockNetwork(host, network);
  const known = readMembers(host, network);
  const members = known.members.map((member) => (member.containerId === containerId ? change(member) : member));
  if (members.every((member, index) => member === known.members[index])) return false;
  writeMembers(host, network, { ...known, members });
  askForSync(host, network);
  return true;
}

/** Members whose containers ended with nobody there to clean up. Who joins has its state on disk before. */
function withoutLost(host: Host, known: NetworkMembers): NetworkMembers {
  const members = known.members.filter(({ containerId }) => readRunningState(host, containerId) !== undefined);
  return { ...known, members };
}

/**
 * Forget such members of networks, of all for a new holder, which has no bridges for them. A network that is locked is left:
 * who holds the lock does the same (the caller holds the holder's lock, so that waiting would be the wrong order).
 */
export function forgetLost(host: Host, networks: readonly NetworkRecord[] = listNetworks(host)): void {
  for (const network of networks) {
    using lock = tryLock(lockOf(host, 'network', network.name));
    if (!lock) continue;
    const known = readMembers(host, network);
    const kept = withoutLost(host, known);
    if (kept.members.length === known.members.length) continue;
    writeMembers(host, network, kept);
  }
}

export function optionOf(attachment: NetworkAttachment | undefined, name: string): string | undefined {
  return attachment?.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}

const wantedAddresses = (attachment: NetworkAttachment | undefined) =>
  ['ip', 'ip6'].flatMap((name) => optionOf(attachment, name) ?? []);

/** Its name, its short ID, its host name, and what --network-alias says. */
function aliasesFor(
  { id, name }: Pick<ContainerRecord, 'id' | 'name'>,
  { attachment, request }: JoinRequest,
): string[] {
  const given = (attachment?.options ?? []).flatMap((option) => (option.startsWith('alias=') ? [option.slice(6)] : []));
  const own = [name, id.slice(0, 12), ...(request.hostname === undefined ? [] : [request.hostname])];
  return [...new Set([...own, ...given])];
}

/** Locally administered, for one station (IEEE 802-2014 section 8.4.3). */
function randomMac(): string {
  const bytes = Buffer.from(randomHex(6), 'hex');
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
