/**
 * The tunnel of an overlay network: a network namespace of its own beside the holder's, in which nothing but WireGuard,
 * its way out and the VXLAN's packets are. No container can send there; what comes out of it is a port of the bridge.
 *
 *   containers -- bridge -- vx-ID | the holder's network namespace
 *                             | - - - - - - - - - - - - - - - - - -
 *                            wg0 -- UDP port -- uplink0 | the tunnel's
 *                                                 | - - - - - - - -
 *                                               pasta     the host's
 *
 * pasta and wireguard-go are members of the holder's pid namespace: they end with it. Any part that is missing makes the
 * whole be made again.
 */
import { mkdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { isAlive, type ProcessIdentity } from '../linux/process-identity.ts';
import { reservePorts } from '../net/host-ports.ts';
import type { OverlaySecret } from '../net/overlay-keys.ts';
import { uplinkArgs } from '../net/pasta.ts';
import { addressesOf, parsePeer } from '../net/peer-name.ts';
import {
  defaultOverlayMtu,
  floodCommands,
  routeCommands,
  type TunnelPeer,
  tunnelCommands,
  tunnelLink,
  wireguardConfig,
} from '../net/wireguard.ts';
import { boolean, type Check, natural, object } from '../oci/check.ts';
import { identity } from '../storage/container-state.ts';
import { layout } from '../storage/layout.ts';
import { readMembers } from '../storage/network-members.ts';
import { readPeers } from '../storage/network-peers.ts';
import { isOverlay, listNetworks, type NetworkRecord, type OverlayNetwork } from '../storage/network-store.ts';
import { childrenOf, commandLine, lastLine, runInHolder } from './network-holder.ts';
import { readKeyFile } from './network-key-file.ts';
import { startListener } from './network-listener.ts';
import { findNetworkProgram, requireNetworkProgram } from './network-programs.ts';
import { bridgesOf } from './network-setup.ts';

interface Tunnel {
  readonly holder: number;
  /** The inode of its network namespace. */
  readonly namespace: number;
  /** The kernel's WireGuard, and not wireguard-go. */
  readonly isKernels: boolean;
  readonly listener: ProcessIdentity;
}

const tunnelCheck: Check<Tunnel> = object({
  holder: natural,
  namespace: natural,
  isKernels: boolean,
  listener: identity,
});

/** In the tunnel's directory, which is /run for its programs. */
const tunnelFile = (host: Host, { id }: Pick<NetworkRecord, 'id'>, name: string): string =>
  layout.overlayFile(host, id, name);

/** The tunnel's network namespace as a path: the mount is in the holder's namespace. */
export const tunnelNetwork = (host: Host, holder: number, network: Pick<NetworkRecord, 'id'>): string =>
  `/proc/${holder}/root${tunnelFile(host, network, 'netns')}`;

export const overlaySecret = (host: Host, { name, overlay }: OverlayNetwork): OverlaySecret => ({
  secret: readKeyFile(host, overlay.key_file),
  network: name,
});

/** The other machines: those of --peer and, with etcd, those that were found there. */
export const peersOf = (host: Host, network: OverlayNetwork): string[] => [
  ...new Set([...network.overlay.peers, ...(network.overlay.etcd ? Object.keys(readPeers(host, network)) : [])]),
];

const vxlanOf = ({ id }: Pick<NetworkRecord, 'id'>) => `vx-${id.slice(0, 12)}`;
const mtuOf = ({ options }: NetworkRecord) => Number(options.mtu ?? defaultOverlayMtu);

/** Make the tunnel unless it is there, whole: returns whether it is new. The caller holds the holder's lock; the bridge is there. */
export async function ensureTunnel(host: Host, holder: number, network: OverlayNetwork): Promise<boolean> {
  if (isWhole(host, holder, network)) return false;
  const secret = overlaySecret(host, network);
  await removeTunnel(host, holder, network);
  mkdirSync(tunnelFile(host, network, 'wireguard'), { recursive: true, mode: 0o700 });
  await makeNamespace(host, holder, network);
  await startUplink(host, holder, network);
  const isKernels = await startWireguard(host, holder, network, secret);
  await floodTo(host, holder, network, floodCommands(secret, vxlanOf(network), peersOf(host, network)));
  const listener = startListener(host, holder, network, secret);
  const namespace = statSync(tunnelNetwork(host, holder, network)).ino;
  writeJsonFile(tunnelFile(host, network, 'tunnel.json'), { holder, namespace, isKernels, listener }, { mode: 0o600 });
  return true;
}

/** For all overlay networks with somebody on their bridge: a tunnel that cannot be made is told, and hinders no other network. */
export async function repairTunnels(host: Host, holder: number): Promise<void> {
  const isUp = bridgesOf(host, holder);
  for (const network of listNetworks(host).filter(isOverlay)) {
    if (!isUp(network) || readMembers(host, network).members.length === 0) continue;
    try {
      await ensureTunnel(host, holder, network);
    } catch (error) {
      host.log.warn(`overlay network ${network.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function readTunnel(host: Host, network: NetworkRecord): Tunnel | undefined {
  const path = tunnelFile(host, network, 'tunnel.json');
  const stored = readJsonFile(path);
  return stored === undefined ? undefined : tunnelCheck(stored, path);
}

/** Whether it can be used at this moment. */
export function isWhole(host: Host, holder: number, network: OverlayNetwork): boolean {
  const tunnel = readTunnel(host, network);
  if (tunnel?.holder !== holder || !isAlive(tunnel.listener)) return false;
  if (statSync(tunnelNetwork(host, holder, network), { throwIfNoEntry: false })?.ino !== tunnel.namespace) return false;
  const { wireguard, uplink } = serving(host, holder, network);
  return uplink.length > 0 && (tunnel.isKernels || wireguard.length > 0);
}

/** The processes that serve it: wireguard-go is in its namespace, pasta has it as its last argument. */
function serving(host: Host, holder: number, network: NetworkRecord) {
  const [file, namespace] = [tunnelFile(host, network, 'netns'), readTunnel(host, network)?.namespace];
  return {
    wireguard: childrenOf(holder, /^wireguard-go/).filter((pid) => namespaceOf(pid) === `net:[${namespace}]`),
    uplink: childrenOf(holder, /^pas(ta|st)/).filter((pid) => commandLine(pid).includes(file)),
  };
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return ''; // It has ended meanwhile.
  }
}

/** Idempotent. The caller holds the holder's lock. */
export async function removeTunnel(host: Host, holder: number, network: NetworkRecord): Promise<void> {
  const { wireguard, uplink } = serving(host, holder, network);
  const listener = readTunnel(host, network)?.listener;
  const listening = listener && isAlive(listener) ? [listener.pid] : [];
  for (const pid of [...wireguard, ...uplink, ...listening]) kill(pid);
  const script = '"$1" link delete dev "$2"; umount -l "$3"; true';
  const args = ['/bin/sh', '-c', script, 'sh', requireNetworkProgram(host, 'ip'), vxlanOf(network)];
  const file = tunnelFile(host, network, 'netns');
  await runInHolder(host, holder, { args: [...args, file], log: 'overlay', network: holder });
  rmSync(tunnelFile(host, network, ''), { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended meanwhile.
  }
}

async function makeNamespace(host: Host, holder: number, network: NetworkRecord): Promise<void> {
  const file = tunnelFile(host, network, 'netns');
  writeFileSync(file, '', { mode: 0o600 });
  const script = 'mount --bind /proc/self/ns/net "$1" && exec "$2" link set dev lo up';
  const unshare = [requireNetworkProgram(host, 'unshare', 'overlay'), '--net', '/bin/sh', '-c', script, 'sh'];
  await runOrThrow(host, holder, network, { args: [...unshare, file, requireNetworkProgram(host, 'ip')] });
}

async function startUplink(host: Host, holder: number, network: OverlayNetwork): Promise<void> {
  const { port } = parsePeer(network.overlay.self, 'self');
  await reservePorts([{ hostPort: port, containerPort: port, protocol: 'udp' }]);
  const pasta = requireNetworkProgram(host, 'pasta', 'overlay');
  const args = [pasta, ...uplinkArgs(tunnelFile(host, network, 'netns'), port)];
  await runOrThrow(host, holder, network, { args, pidNamespace: true });
}

/** Returns whether the kernel has WireGuard. Its programs have the tunnel's directory as /run, where wg(8) looks. */
async function startWireguard(host: Host, holder: number, network: OverlayNetwork, secret: OverlaySecret) {
  const [{ self }, peers] = [network.overlay, peersOf(host, network)];
  const vxlan = { name: vxlanOf(network), network: `/proc/${holder}/ns/net`, mtu: mtuOf(network) };
  await writeConfig(host, network, secret, peers);
  writeFileSync(tunnelFile(host, network, 'links'), tunnelCommands(secret, self, vxlan) + routeCommands(secret, peers));
  const script = [
    'set -e',
    'if "$1" link add name "$4" type wireguard 2>/dev/null; then : >/run/kernel; else "$2" "$4"; fi',
    `"$3" setconf "$4" /run/${configName}`,
    '"$1" -batch /run/links',
  ];
  // Without wireguard-go the shell says that it did not find it.
  const programs = [ipOf(host), findNetworkProgram(host, 'wireguard-go') ?? 'wireguard-go', wgOf(host), tunnelLink];
  try {
    // A file of its own: wireguard-go goes on writing to it.
    await inTunnel(host, holder, network, { log: 'wireguard', args: [script.join('\n'), ...programs] });
  } finally {
    rmSync(tunnelFile(host, network, configName), { force: true });
  }
  return statSync(tunnelFile(host, network, 'kernel'), { throwIfNoEntry: false }) !== undefined;
}

/** Machines have come or gone: let WireGuard and the VXLAN know. The caller holds the holder's lock. */
export async function changePeers(host: Host, holder: number, network: OverlayNetwork, peers: readonly string[]) {
  const secret = overlaySecret(host, network);
  await writeConfig(host, network, secret, peers);
  writeFileSync(tunnelFile(host, network, 'links'), routeCommands(secret, peers));
  const script = `"$1" syncconf ${tunnelLink} /run/${configName} && "$2" -batch /run/links`;
  try {
    await inTunnel(host, holder, network, { log: 'overlay', args: [script, wgOf(host), ipOf(host)] });
  } finally {
    rmSync(tunnelFile(host, network, configName), { force: true });
  }
  await floodTo(host, holder, network, floodCommands(secret, vxlanOf(network), peers));
}

const ipOf = (host: Host) => requireNetworkProgram(host, 'ip');
const wgOf = (host: Host) => requireNetworkProgram(host, 'wg', 'overlay');
const configName = 'wg.conf';

async function writeConfig(host: Host, network: OverlayNetwork, secret: OverlaySecret, peers: readonly string[]) {
  const { self } = network.overlay;
  const tunnelPeers = await Promise.all(peers.map(tunnelPeer));
  const config = wireguardConfig(secret, { name: self, port: parsePeer(self, 'self').port }, tunnelPeers);
  writeFileSync(tunnelFile(host, network, configName), config, { mode: 0o600 });
}

async function tunnelPeer(name: string): Promise<TunnelPeer> {
  const place = parsePeer(name, '--peer');
  const [address] = await addressesOf(place);
  return { name, endpoint: address === undefined ? undefined : { address, port: place.port } };
}

/** Run a shell script in the tunnel's network namespace, with its directory as /run. */
function inTunnel(
  host: Host,
  holder: number,
  network: NetworkRecord,
  command: { log: string; args: readonly string[] },
) {
  const [script = '', ...words] = command.args;
  const [file, directory] = [tunnelFile(host, network, 'netns'), tunnelFile(host, network, '.')];
  const enter = [requireNetworkProgram(host, 'nsenter', 'overlay'), `--net=${file}`];
  const apart = [requireNetworkProgram(host, 'unshare', 'overlay'), '--mount', '/bin/sh', '-c'];
  const outer = 'mount --rbind "$0" /run && exec /bin/sh -c "$@"';
  const args = [...enter, ...apart, outer, directory, script, 'sh', ...words];
  return runOrThrow(host, holder, network, { args, pidNamespace: true, log: command.log });
}

/** Frames for everybody, and for those that are not known yet, go to all peers. */
async function floodTo(host: Host, holder: number, network: OverlayNetwork, commands: string): Promise<void> {
  const vxlan = vxlanOf(network);
  const batch = tunnelFile(host, network, 'flood');
  writeFileSync(batch, commands);
  // An entry that is there already is no failure.
  const script = '"$1" link set dev "$2" master "$3" up && { "$4" -force -batch "$5" 2>/dev/null; true; }';
  const bridge = requireNetworkProgram(host, 'bridge', 'overlay');
  const words = [ipOf(host), vxlan, network.network_interface, bridge, batch];
  const args = ['/bin/sh', '-c', script, 'sh', ...words];
  await runOrThrow(host, holder, network, { args, network: holder });
}

interface TunnelCommand {
  readonly args: readonly string[];
  readonly network?: number;
  readonly pidNamespace?: boolean;
  readonly log?: string;
}

async function runOrThrow(host: Host, holder: number, { name }: NetworkRecord, command: TunnelCommand): Promise<void> {
  const { exitCode, said } = await runInHolder(host, holder, { log: 'overlay', ...command });
  if (exitCode === 0) return;
  throw new CtrError('NETWORK', `no tunnel for overlay network ${name}: ${lastLine(said, exitCode)}`, {
    hint: 'see docs/networks.md, and `ctr doctor`, probes tun and pasta',
  });
}
