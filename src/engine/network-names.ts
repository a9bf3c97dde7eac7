/** The names of one network's containers, handed to aardvark-dns. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { randomHex } from '../base/random.ts';
import { zoneText } from '../net/aardvark.ts';
import { escapeName, layout } from '../storage/layout.ts';
import type { NetworkMember } from '../storage/network-members.ts';
import type { NetworkRecord } from '../storage/network-store.ts';
import { findHolder, lastLine, runInHolder, servantOf, untilCatches } from './network-holder.ts';
import { requireNetworkProgram } from './network-programs.ts';

const serverName = /^aardvark-dns/;
const sighup = 1;

/** Write the zone of `network` as its members are now; the caller holds the network's lock. */
export function writeZone(host: Host, network: NetworkRecord, members: readonly NetworkMember[]): void {
  const directory = layout.holderFile(host, 'zones');
  const path = `${directory}/${escapeName(network.name)}`;
  if (!network.dns_enabled || members.length === 0) return rmSync(path, { force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // aardvark-dns takes every file of its directory for a network: the temporary name is elsewhere.
  const text = zoneText({
    listen: network.subnets.flatMap(({ gateway }) => gateway ?? []),
    dnsServers: network.network_dns_servers ?? [],
    entries: answering(members),
  });
  const temporary = layout.holderFile(host, `zone-${randomHex(6)}.tmp`);
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** An alias answers with the healthy ones; when there are none, with all that there are. */
function answering(members: readonly NetworkMember[]): NetworkMember[] {
  const healthy = new Set(members.filter(({ isUnhealthy }) => !isUnhealthy).flatMap(({ aliases }) => aliases));
  return members.map((member) => {
    if (!member.isUnhealthy) return member;
    const own = [member.containerName, member.containerId.slice(0, 12)];
    return { ...member, aliases: member.aliases.filter((alias) => own.includes(alias) || !healthy.has(alias)) };
  });
}

/** Let aardvark-dns read the zones again, or start it. The caller holds the holder's lock, and knows that bridges are up. */
export async function serveNames(host: Host, holder: number): Promise<void> {
  const directory = layout.holderFile(host, 'zones');
  const zones = listZones(directory);
  const running = servantOf(holder, serverName);
  if (running !== undefined) {
    await untilCatches(running, sighup);
    return signal(running);
  }
  if (zones.length === 0) return;
  const aardvark = requireNetworkProgram(host, 'aardvark-dns');
  const args = [aardvark, '--config', directory, '--port', '53', 'run'];
  const { exitCode, said } = await runInHolder(host, holder, {
    args,
    log: 'aardvark-dns',
    network: holder,
    pidNamespace: true,
  });
  const started = servantOf(holder, serverName);
  if (exitCode !== 0 || started === undefined) {
    throw new CtrError('NETWORK', `aardvark-dns did not start: ${lastLine(said, exitCode)}`, {
      hint: 'names of containers do not resolve; see docs/networks.md',
    });
  }
  await untilCatches(started, sighup);
}

/** As serveNames, for who has only changed a zone: without a holder there is nobody to tell. */
export async function tellNames(host: Host): Promise<void> {
  const holder = findHolder(host);
  if (holder !== undefined) await serveNames(host, holder);
}

function listZones(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name !== 'aardvark.pid');
  } catch {
    return [];
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, sighup);
  } catch {
    // ESRCH: it has ended since, because its last zone was removed.
  }
}
