/** The names of containers, handed to aardvark-dns: its files are made of the members alone, under the holder's lock. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { formatIp } from '../base/ip-network.ts';
import { randomHex } from '../base/random.ts';
import { zoneText } from '../net/aardvark.ts';
import { keeperName, type NameServerRequest, startNameServer } from '../ns/name-server.ts';
import { escapeName, layout } from '../storage/layout.ts';
import { readMembers } from '../storage/network-members.ts';
import { type PeerMember, readPeers } from '../storage/network-peers.ts';
import { listNetworks, type NetworkRecord } from '../storage/network-store.ts';
import { findHolder, holderEnvironment, lastLine, servantOf, untilCatches, withLog } from './network-holder.ts';
import { requireNetworkProgram } from './network-programs.ts';
import { bridgesOf } from './network-setup.ts';
import { idMapsFor } from './user-namespace.ts';

const [serverName, keeper] = [/^aardvark-dns/, new RegExp(`^${keeperName}`)];
const [sighup, sigkill] = [1, 9];

/** The networks of which the holder has the bridge, and that have somebody on them: only there aardvark-dns can listen. */
function servedNetworks(host: Host, holder: number): NetworkRecord[] {
  const isUp = bridgesOf(host, holder);
  return listNetworks(host).filter(
    (network) => network.dns_enabled && isUp(network) && readMembers(host, network).members.length > 0,
  );
}

/** Make the files of aardvark-dns say what the members are now; returns whether one had to be changed. */
function writeZones(host: Host, networks: readonly NetworkRecord[]): boolean {
  const directory = layout.holderFile(host, 'zones');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const wanted = new Map(networks.map((network) => [escapeName(network.name), zoneOf(host, network)]));
  const stale = readdirSync(directory).filter((file) => file !== 'aardvark.pid' && !wanted.has(file));
  for (const file of stale) rmSync(`${directory}/${file}`, { force: true });
  const changed = [...wanted].filter(([file, text]) => readOrNothing(`${directory}/${file}`) !== text);
  for (const [file, text] of changed) {
    // aardvark-dns takes every file of its directory for a network: the temporary name is elsewhere.
    const temporary = layout.holderFile(host, `zone-${randomHex(6)}.tmp`);
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, `${directory}/${file}`);
  }
  return stale.length + changed.length > 0;
}

const zoneOf = (host: Host, network: NetworkRecord) =>
  zoneText({
    listen: network.subnets.flatMap(({ gateway }) => gateway ?? []),
    dnsServers: network.network_dns_servers ?? [],
    entries: answering([...readMembers(host, network).members, ...membersElsewhere(host, network)]),
  });

/** Of an overlay network, on its other machines. */
const membersElsewhere = (host: Host, network: NetworkRecord): PeerMember[] =>
  network.overlay ? Object.values(readPeers(host, network)).flatMap(({ members }) => members) : [];

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An alias answers with the healthy ones; when there are none, with all that there are. */
function answering(members: readonly PeerMember[]): PeerMember[] {
  const healthy = new Set(members.filter(({ isUnhealthy }) => !isUnhealthy).flatMap(({ aliases }) => aliases));
  return members.map((member) => {
    if (!member.isUnhealthy) return member;
    const own = [member.containerName, member.containerId.slice(0, 12)];
    return { ...member, aliases: member.aliases.filter((alias) => own.includes(alias) || !healthy.has(alias)) };
  });
}

/**
 * Let aardvark-dns know the members as they are, or start it: when this returns, it listens. The caller holds the holder's
 * lock, and knows that bridges are up.
 *
 * aardvark-dns 1.4 closes its sockets and opens them anew at SIGHUP, and who asks in that moment is refused. So another
 * one takes its place (ns/name-server.ts). Later versions listen on TCP, too, and keep their sockets.
 */
export async function serveNames(host: Host, holder: number): Promise<void> {
  const networks = servedNetworks(host, holder);
  const hasChanged = writeZones(host, networks);
  const addresses = networks.flatMap(({ subnets }) => subnets.flatMap(({ gateway }) => gateway ?? []));
  if (addresses.length === 0) return endServers(holder);
  const running = servantOf(holder, serverName);
  if (running !== undefined && keepsSockets(holder)) {
    await untilCatches(running, sighup);
    if (hasChanged) signal(running, sighup);
    if (await untilListening(holder, addresses, [])) return;
  } else {
    const before = running === undefined ? [] : socketsOf(holder, addresses);
    const isKept = !hasChanged && servantOf(holder, keeper) !== undefined;
    if (isKept && addresses.every((address) => before.some((one) => one.address === address))) return;
    await startServer(host, holder, { listeners: addresses.length, predecessor: running });
    if (await untilListening(holder, addresses, before)) return;
  }
  // The kernel did not let two of them be there, or it was killed this very moment.
  await endServers(holder);
  const said = await startServer(host, holder, { listeners: addresses.length });
  if (await untilListening(holder, addresses, [])) return;
  throw new CtrError('NETWORK', `aardvark-dns did not start: ${said}`, {
    hint: 'names of containers do not resolve; see docs/networks.md',
  });
}

async function startServer(
  host: Host,
  holder: number,
  succession: Pick<NameServerRequest, 'listeners' | 'predecessor'>,
): Promise<string> {
  const zones = layout.holderFile(host, 'zones');
  const args = [requireNetworkProgram(host, 'aardvark-dns'), '--config', zones, '--port', '53', 'run'];
  const clearGroups = idMapsFor(host).kind !== 'single';
  const env = holderEnvironment(host);
  const { said } = await withLog(host, 'aardvark-dns', (stdio) =>
    startNameServer({ join: holder, clearGroups, args, env, stdio, ...succession }),
  );
  return lastLine(said, 1);
}

async function endServers(holder: number): Promise<void> {
  for (let pid = servantOf(holder, serverName); pid !== undefined; pid = servantOf(holder, serverName)) {
    signal(pid, sigkill);
    await untilGone(pid);
  }
}

interface NameSocket {
  readonly address: string;
  readonly inode: string;
}

/** Whether UDP port 53 of all `addresses` gets a socket beside those `before` within a second or two. */
async function untilListening(holder: number, addresses: readonly string[], before: readonly NameSocket[]) {
  const known = new Set(before.map(({ inode }) => inode));
  for (let tries = 0; tries < 300; tries++) {
    const fresh = socketsOf(holder, addresses).filter(({ inode }) => !known.has(inode));
    if (addresses.every((address) => fresh.some((one) => one.address === address))) return true;
    await sleep(5);
  }
  return false;
}

/** proc_pid_net(5) "udp": addresses as hex words in the machine's byte order, port, …, inode. */
function socketsOf(holder: number, addresses: readonly string[]): NameSocket[] {
  return ['udp', 'udp6']
    .flatMap((table) => [...readFileSync(`/proc/${holder}/net/${table}`, 'latin1').matchAll(socketLine)])
    .map(([, hex = '', inode = '']) => {
      const bytes = Buffer.from(hex, 'hex').swap32();
      return { address: formatIp(bytes.length === 4 ? 4 : 6, BigInt(`0x${bytes.toString('hex')}`)), inode };
    })
    .filter(({ address }) => addresses.includes(address));
}

const socketLine = /^\s*\d+: ([\dA-F]+):0035 (?:\S+ +){7}(\d+)/gm;

function keepsSockets(holder: number): boolean {
  return /^\s*\d+: [\dA-F]+:0035 \S+ 0A/m.test(readFileSync(`/proc/${holder}/net/tcp`, 'latin1'));
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 200 && existsSync(`/proc/${pid}`); tries++) await sleep(5);
}

/** As serveNames, for who has only changed the members: without a holder there is nobody to tell. */
export async function tellNames(host: Host): Promise<void> {
  const holder = findHolder(host);
  if (holder !== undefined) await serveNames(host, holder);
}

function signal(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch {
    // ESRCH: it has ended since.
  }
}
