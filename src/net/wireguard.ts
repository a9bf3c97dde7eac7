/**
 * The tunnel of an overlay network: WireGuard, and VXLAN (RFC 7348) over it.
 *
 * Facts, seen with Debian 12's wireguard-go 0.0.20220316 and wireguard-tools 1.0.20210914: wireguard-go goes to the
 * background by itself; it has its control socket in /run/wireguard, where wg(8) looks for it, too; its interface goes
 * with it. A kernel with WireGuard gives it to a network namespace of a user without further rights. The interface of a
 * VXLAN may be in another network namespace than its packets, which stay where it was made (ip-link(8) `netns`).
 */
import type { OverlaySecret } from './overlay-keys.ts';
import { presharedKeyOf, privateKeyOf, publicKeyOf, tunnelAddressOf } from './overlay-keys.ts';

/** What WireGuard's packets carry on a path with an MTU of 1500, and what VXLAN over IPv6 leaves of it. */
export const vxlanBytes = 70;
export const defaultOverlayMtu = 1420 - vxlanBytes;

export interface TunnelPeer {
  /** HOST:PORT, the same text on all machines: keys are derived from it. */
  readonly name: string;
  /** Absent: it is not known where the peer is, and it has to call first. */
  readonly endpoint?: { readonly address: string; readonly port: number } | undefined;
}

/** For `wg setconf` and `wg syncconf`. It holds keys: for files of mode 0600 that are removed at once. */
export function wireguardConfig(of: OverlaySecret, self: TunnelPeer & { port: number }, peers: readonly TunnelPeer[]) {
  const head = ['[Interface]', `PrivateKey = ${privateKeyOf(of, self.name)}`, `ListenPort = ${self.port}`];
  const sections = peers.flatMap(({ name, endpoint }) => [
    '[Peer]',
    `PublicKey = ${publicKeyOf(of, name)}`,
    `PresharedKey = ${presharedKeyOf(of, self.name, name)}`,
    `AllowedIPs = ${tunnelAddressOf(of, name)}/128`,
    // So that firewalls and address translation on the way keep it open.
    'PersistentKeepalive = 25',
    ...(endpoint ? [`Endpoint = ${endpointText(endpoint.address, endpoint.port)}`] : []),
  ]);
  return [...head, ...sections].map((line) => `${line}\n`).join('');
}

export const endpointText = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** In the tunnel's network namespace, constant: there is one tunnel in each. */
export const tunnelLink = 'wg0';
/** Where peers tell each other who is on the network. */
export const tunnelPort = 7946;

/** Commands for `ip -batch` in the tunnel's namespace; `vxlan` is made in that of `network`, a path. */
export function tunnelCommands(of: OverlaySecret, self: string, vxlan: { name: string; network: string; mtu: number }) {
  const own = tunnelAddressOf(of, self);
  return [
    `address add ${own}/128 dev ${tunnelLink} nodad`,
    `link set dev ${tunnelLink} mtu ${vxlan.mtu + vxlanBytes} up`,
    `link add name ${vxlan.name} netns ${vxlan.network} mtu ${vxlan.mtu} type vxlan id 1 local ${own} dstport 4789`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** Commands for `ip -batch` in the tunnel's namespace. */
export const routeCommands = (of: OverlaySecret, peers: readonly string[]): string =>
  peers.map((peer) => `route replace ${tunnelAddressOf(of, peer)}/128 dev ${tunnelLink}\n`).join('');

/** Commands for `bridge -batch` where the VXLAN is: broadcasts and what is unknown yet goes to each peer. */
export const floodCommands = (of: OverlaySecret, vxlan: string, peers: readonly string[]): string =>
  peers.map((peer) => `fdb append 00:00:00:00:00:00 dev ${vxlan} dst ${tunnelAddressOf(of, peer)}\n`).join('');
