/** Interfaces and firewall of containers on bridge networks: netavark's work, in the holder's namespaces. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type Attachment, netavarkError, netavarkInput } from '../net/netavark.ts';
import { uplink } from '../net/pasta.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { type NetworkMember, readMembers } from '../storage/network-members.ts';
import { hasBridge, listNetworks, type NetworkRecord, networkId } from '../storage/network-store.ts';
import { lastLine, runInHolder } from './network-holder.ts';
import { requireNetworkProgram } from './network-programs.ts';

export interface Place {
  readonly network: NetworkRecord;
  readonly member: NetworkMember;
}

export interface SetUp {
  /** A process in the container's network namespace. */
  readonly pid: number;
  readonly container: Pick<ContainerRecord, 'id' | 'name'>;
  readonly places: readonly Place[];
}

/** The caller holds the holder's lock. */
export async function setUpNetworks(host: Host, holder: number, setUp: SetUp): Promise<void> {
  for (const { network } of setUp.places) if (!hasBridge(network)) await ensureParent(host, holder, network);
  await netavark(host, holder, 'setup', setUp);
  for (const { network } of setUp.places) if (hasBridge(network)) await fixAddress(host, holder, network);
}

/** A macvlan is on the bridge of another network, which is made with its first container: perhaps there was none yet. */
async function ensureParent(host: Host, holder: number, { network_interface: name }: NetworkRecord): Promise<void> {
  const ip = requireNetworkProgram(host, 'ip');
  const script = '"$1" link show dev "$2" || { "$1" link add name "$2" type bridge && "$1" link set dev "$2" up; }';
  const args = ['/bin/sh', '-c', script, 'sh', ip, name];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'ip', network: holder });
  if (exitCode !== 0) throw new CtrError('NETWORK', `cannot set up bridge ${name}: ${lastLine(said, exitCode)}`);
}

/**
 * A bridge has the lowest hardware address of its ports until it is given one: each container that joins or leaves could
 * change it, and the others would send to the old one until their neighbour entries expire (half a minute).
 */
async function fixAddress(host: Host, holder: number, network: NetworkRecord): Promise<void> {
  const { id, network_interface: name, overlay } = network;
  const path = layout.holderFile(host, 'bridges');
  const known = readOrNothing(path);
  if (known.includes(markOf(holder, { name, id }))) return;
  // The bridges of an overlay's machines meet: each has its own.
  const seed = overlay ? networkId(`${name} ${overlay.self}`) : id;
  const address = ['02', ...(seed.slice(0, 10).match(/../g) ?? [])].join(':');
  const args = [requireNetworkProgram(host, 'ip'), 'link', 'set', 'dev', name, 'address', address];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'ip', network: holder });
  if (exitCode !== 0) throw new CtrError('NETWORK', `cannot set up bridge ${name}: ${lastLine(said, exitCode)}`);
  const before = known.startsWith(`${holder} `) ? known : '';
  writeFileSync(path, `${before}${markOf(holder, { name, id })}`, { mode: 0o600 });
}

const markOf = (holder: number, { name, id }: { name: string; id: string }) => `${holder} ${name} ${id}\n`;

/** Whether the holder has the bridge of a network. */
export function bridgesOf(host: Host, holder: number): (network: NetworkRecord) => boolean {
  const known = readOrNothing(layout.holderFile(host, 'bridges'));
  return ({ network_interface: name, id }) => known.includes(markOf(holder, { name, id }));
}

/** Those of a holder that is no more; that they are gone already is no error. The caller holds the holder's lock. */
export async function removeInterfaces(host: Host, holder: number, { pid, places }: Omit<SetUp, 'container'>) {
  const batch = layout.holderFile(host, 'remove.ip');
  writeFileSync(batch, places.map(({ member }) => `link delete dev ${member.interfaceName}\n`).join(''));
  const args = [requireNetworkProgram(host, 'ip'), '-force', '-batch', batch];
  await runInHolder(host, holder, { args, log: 'ip', network: pid });
}

/** Take a container off these networks while it runs. The caller holds the holder's lock. */
export function tearDownNetworks(host: Host, holder: number, setUp: SetUp): Promise<void> {
  return netavark(host, holder, 'teardown', setUp);
}

/** It was deleted: who makes it again gives it its address again. */
export function forgetBridge(host: Host, name: string): void {
  const path = layout.holderFile(host, 'bridges');
  const rest = readOrNothing(path)
    .split('\n')
    .filter((line) => line !== '' && line.split(' ')[1] !== name);
  writeFileSync(path, rest.map((line) => `${line}\n`).join(''), { mode: 0o600 });
}

async function netavark(host: Host, holder: number, verb: 'setup' | 'teardown', { pid, container, places }: SetUp) {
  const program = requireNetworkProgram(host, 'netavark');
  const input = layout.holderFile(host, 'netavark.json');
  writeFileSync(input, netavarkInput(container.id, container.name, places.map(attachmentOf)), { mode: 0o600 });
  const args = [program, '--config', layout.holder(host), '--file', input, verb, `/proc/${pid}/ns/net`];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'netavark', network: holder });
  if (exitCode !== 0) throw netavarkError(said, exitCode);
}

const attachmentOf = ({ network, member }: Place): Attachment => ({
  network,
  interfaceName: member.interfaceName,
  addresses: member.addresses,
  mac: member.mac,
});

/**
 * Who may reach the host's loopback, by the gateway of the uplink: the containers of networks with host_loopback=true,
 * and those that asked for the name. Routing rules say so, and not the firewall, whose order is netavark's: ip-rule(8).
 * They are written when they differ. The caller holds the holder's lock.
 */
export async function admitToHost(host: Host, holder: number): Promise<void> {
  const sources = listNetworks(host).flatMap((network) => admitted(network, readMembers(host, network).members));
  const applied = layout.holderFile(host, 'host.applied');
  const [of, ...before] = readOrNothing(applied).split(' ');
  const now = [String(holder), ...sources.sort()];
  if (now.join(' ') === [of, ...before].join(' ')) return;
  const [batch, batch6] = [layout.holderFile(host, 'host.rules'), layout.holderFile(host, 'host6.rules')];
  // Absent or another holder's: nothing is known of the rules, which a ctr that was killed may have changed in part.
  const isFirst = of !== String(holder);
  writeFileSync(batch, hostRules(sources, isFirst ? undefined : before), { mode: 0o600 });
  writeFileSync(batch6, isFirst ? hostRules6.map((line) => `${line}\n`).join('') : '', { mode: 0o600 });
  rmSync(applied, { force: true });
  // A kernel without IPv6 has nothing to be closed.
  const script = '"$1" -batch "$2" && { "$1" -6 -batch "$3" || [ ! -e /proc/net/if_inet6 ]; }';
  const args = ['/bin/sh', '-c', script, 'sh', requireNetworkProgram(host, 'ip'), batch, batch6];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'host-rules', network: holder });
  if (exitCode !== 0) {
    throw new CtrError('NETWORK', `no rules for the host’s loopback: ${lastLine(said, exitCode)}`);
  }
  writeFileSync(applied, now.join(' '), { mode: 0o600 });
}

function admitted({ options }: NetworkRecord, members: readonly NetworkMember[]): string[] {
  return members
    .filter(({ reachesHost }) => reachesHost || options.host_loopback === 'true')
    .flatMap(({ addresses }) => addresses.filter((address) => !address.includes(':')));
}

/** Those of a new namespace: ip-rule(8). */
const usualRules = ['rule add pref 32766 lookup main', 'rule add pref 32767 lookup default'];

/** slirp4netns has the host's ::1 at fd00::2, and its router at fe80::2; nobody is let through to the former. */
export const hostRules6 = [
  ...['rule flush', ...usualRules],
  'rule add pref 99 iif lo to fd00::2 lookup main',
  'rule add pref 101 to fd00::2 prohibit',
];

/** Commands for `ip -batch` from the sources `before` to these; `before` is absent when nothing is known. */
export function hostRules(sources: readonly string[], before: readonly string[] | undefined): string {
  const rule = (source: string) => `pref 100 from ${source} to ${uplink.gateway} lookup main`;
  // iif lo: the holder's own routes need the gateway, above all a pasta that comes after one that was killed.
  const own = `rule add pref 99 iif lo to ${uplink.gateway} lookup main`;
  const lines = [
    ...(before ? [] : ['rule flush', ...usualRules, own, `rule add pref 101 to ${uplink.gateway} prohibit`]),
    ...(before ?? []).filter((source) => !sources.includes(source)).map((source) => `rule del ${rule(source)}`),
    ...sources.filter((source) => !before?.includes(source)).map((source) => `rule add ${rule(source)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
