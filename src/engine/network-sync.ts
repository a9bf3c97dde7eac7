/**
 * How the machines of an overlay network know each other's containers: whoever changes tells all others, through the
 * tunnel, whose addresses say who speaks (WireGuard's allowed IPs). Only a tunnel that is new waits for answers, for a
 * moment. A peer that is down is told again later, and one that has just come back says so and is told everything.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { writeAll } from '../base/json-file.ts';
import { type OverlaySecret, tunnelAddressOf } from '../net/overlay-keys.ts';
import { tunnelPort } from '../net/wireguard.ts';
import { connectInside } from '../ns/socket-inside.ts';
import { layout } from '../storage/layout.ts';
import { lockOf, tryLock } from '../storage/lock.ts';
import { lockNetwork, readMembers } from '../storage/network-members.ts';
import { type PeerState, parsePeerState, readPeers, writePeers } from '../storage/network-peers.ts';
import type { OverlayNetwork } from '../storage/network-store.ts';
import { findHolder, lockHolder } from './network-holder.ts';
import { forgetLost } from './network-membership.ts';
import { tellNames } from './network-names.ts';
import { askForSync } from './network-sync-request.ts';
import { changePeers, overlaySecret, peersOf, removeTunnel, tunnelNetwork } from './network-tunnel.ts';

const connectTimeoutMs = 2_000;
const askTimeoutMs = 500;
const receiveTimeoutMs = 5_000;
const maxBytes = 1 << 20;

/**
 * Tell all peers who is on the network here, and take the tunnel away when that is nobody. One that is not reached twice
 * in a row is gone, and so are its containers' names. Returns whether all were reached.
 */
export async function syncNetwork(host: Host, network: OverlayNetwork): Promise<boolean> {
  const holder = findHolder(host);
  if (holder === undefined) return true;
  forgetLost(host, [network]);
  const secret = overlaySecret(host, network);
  const isListed = await meetInDirectory(host, network, secret);
  const told = await Promise.all(
    peersOf(host, network).map(async (peer) => {
      const address = tunnelAddressOf(secret, peer);
      const [path, file] = [tunnelNetwork(host, holder, network), toldFile(host, network, address)];
      const wasTold = existsSync(file);
      const fd = connectInside({ pid: holder, network: path, address, port: tunnelPort });
      const isTold = (await speak(fd, JSON.stringify(ownState(host, network, !wasTold)), tellOnly)) !== undefined;
      if (isTold) writeFileSync(file, '');
      else rmSync(file, { force: true });
      // Whom etcd knows is there for as long as it says so.
      return { peer, isTold, isGone: !isTold && !wasTold && network.overlay.peers.includes(peer) };
    }),
  );
  await forgetPeersGone(
    host,
    network,
    told.filter(({ isGone }) => isGone).map(({ peer }) => peer),
  );
  await removeUnused(host, network);
  return isListed && told.every(({ isTold }) => isTold);
}

/** With etcd. Returns whether it answered. */
async function meetInDirectory(host: Host, network: OverlayNetwork, secret: OverlaySecret): Promise<boolean> {
  if (network.overlay.etcd === undefined) return true;
  const before = peersOf(host, network);
  try {
    const { syncDirectory } = await import('./network-directory.ts');
    await syncDirectory(host, network, secret, ownState(host, network, false));
  } catch (error) {
    host.log.warn(`overlay network ${network.name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  using _lock = await lockHolder(host);
  const [holder, now] = [findHolder(host), peersOf(host, network)];
  const hasChanged = now.length !== before.length || now.some((peer) => !before.includes(peer));
  if (holder !== undefined && hasChanged) await changePeers(host, holder, network, now);
  await tellNames(host);
  return true;
}

async function forgetPeersGone(host: Host, network: OverlayNetwork, gone: readonly string[]): Promise<void> {
  const known = readPeers(host, network);
  if (!gone.some((peer) => known[peer])) return;
  {
    using _lock = await lockNetwork(host, network);
    const rest = Object.entries(readPeers(host, network)).filter(([peer]) => !gone.includes(peer));
    writePeers(host, network, Object.fromEntries(rest));
  }
  using _lock = await lockHolder(host);
  await tellNames(host);
}

async function removeUnused(host: Host, network: OverlayNetwork): Promise<void> {
  using _lock = await lockHolder(host);
  const holder = findHolder(host);
  if (holder === undefined || readMembers(host, network).members.length > 0) return;
  await removeTunnel(host, holder, network);
}

/** There since this peer was told something through the tunnel as it is now. */
const toldFile = (host: Host, { id }: OverlayNetwork, address: string) =>
  layout.overlayFile(host, id, `told-${address.replaceAll(':', '-')}`);

function ownState(host: Host, network: OverlayNetwork, isNew: boolean): PeerState {
  const at = Date.now();
  const members = readMembers(host, network).members.map((member) => ({
    containerId: member.containerId,
    containerName: member.containerName,
    addresses: member.addresses,
    aliases: member.aliases,
    dnsServers: [],
    ...(member.isUnhealthy ? { isUnhealthy: true } : {}),
  }));
  return { at, isNew, members };
}

/**
 * For a tunnel that is new: what the peers say, from those that answer within half a second, so that the first container
 * finds the others. The caller holds the holder's lock, and lets the names be known.
 */
export async function askPeers(host: Host, holder: number, network: OverlayNetwork): Promise<void> {
  const secret = overlaySecret(host, network);
  const said = JSON.stringify(ownState(host, network, true));
  const answers = await Promise.all(
    network.overlay.peers.map(async (peer) => {
      const [address, path] = [tunnelAddressOf(secret, peer), tunnelNetwork(host, holder, network)];
      const fd = connectInside({ pid: holder, network: path, address, port: tunnelPort });
      return [peer, await speak(fd, said, { timeoutMs: askTimeoutMs, hears: true })] as const;
    }),
  );
  // The network's lock comes before the holder's: who has it now makes the listener wait, and that is no harm.
  using lock = tryLock(lockOf(host, 'network', network.name));
  for (const [peer, answer] of lock ? answers : []) {
    if (answer) keepState(host, network, peer, parsePeerState(answer, peer, network));
  }
}

const tellOnly = { timeoutMs: connectTimeoutMs, hears: false };

/** Say `text` to a peer; returns its answer where one is wanted, and undefined when it is not reached. */
async function speak(fd: number, text: string, { timeoutMs, hears }: { timeoutMs: number; hears: boolean }) {
  const { Socket } = await import('node:net');
  const socket = new Socket({ fd, readable: true, writable: true });
  return new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    let answer: string | undefined;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.on('finish', () => {
      answer ??= '';
      if (!hears) socket.destroySoon();
    });
    if (hears) {
      socket.setEncoding('utf8').on('data', (chunk) => {
        answer = `${answer ?? ''}${chunk}`;
        if (answer.length > maxBytes) socket.destroy();
      });
    }
    socket.end(text);
  });
}

/** stdin is a connection of a peer: take down what it says, and answer one that knows nothing yet. */
export async function receiveFromPeer(host: Host, network: OverlayNetwork): Promise<void> {
  const { Socket } = await import('node:net');
  const socket = new Socket({ fd: 0, readable: true, writable: false });
  const secret = overlaySecret(host, network);
  const peer = speaker(host, network, secret, socket.remoteAddress);
  const text = await readAll(socket);
  if (peer === undefined) return;
  const state = parsePeerState(text, peer, network);
  if (state.isNew) answer(JSON.stringify(ownState(host, network, false)));
  if (!(await remember(host, network, peer, state))) return;
  using _lock = await lockHolder(host);
  await tellNames(host);
  if (state.isNew) askForSync(host, network);
}

/** stdout is the connection; a peer that only told something has gone. */
function answer(text: string): void {
  try {
    writeAll(1, Buffer.from(text));
  } catch {
    // EPIPE, ECONNRESET
  }
}

const speaker = (host: Host, network: OverlayNetwork, secret: OverlaySecret, address: string | undefined) =>
  peersOf(host, network).find((peer) => tunnelAddressOf(secret, peer) === address);

async function readAll(socket: import('node:net').Socket): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.setTimeout(receiveTimeoutMs, () => socket.destroy(new CtrError('NETWORK', 'a peer did not go on speaking')));
  for await (const chunk of socket) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) throw new CtrError('NETWORK', 'a peer says too much');
  }
  return Buffer.concat(chunks).toString();
}

/** Whether it was news. */
async function remember(host: Host, network: OverlayNetwork, peer: string, state: PeerState): Promise<boolean> {
  using _lock = await lockNetwork(host, network);
  return keepState(host, network, peer, state);
}

function keepState(host: Host, network: OverlayNetwork, peer: string, state: PeerState): boolean {
  const known = readPeers(host, network);
  const before = known[peer];
  if (before && !state.isNew && before.at > state.at) return false;
  writePeers(host, network, { ...known, [peer]: state });
  return true;
}
