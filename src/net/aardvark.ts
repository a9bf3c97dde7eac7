/**
 * aardvark-dns answers on the gateway addresses of all networks. It reads one file for each network, when it starts and
 * at SIGHUP: `LISTEN[,LISTEN] [UPSTREAM,…]`, then `ID IPv4,… IPv6,… NAME,… [UPSTREAM,…]` for each container.
 *
 * Facts, seen with Debian 12's 1.4.0: it goes to the background by itself; it ends when its directory has no file; names
 * are matched in lower case, with or without `.dns.podman`; several containers with one name are all answered, in
 * changing order is what the resolver does with them.
 */
import { parseIp } from '../base/ip-network.ts';

export interface NameEntry {
  readonly containerId: string;
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
  /** Where this container's own queries go that no container answers. */
  readonly dnsServers: readonly string[];
}

export interface NameZone {
  /** Gateways. */
  readonly listen: readonly string[];
  readonly dnsServers: readonly string[];
  readonly entries: readonly NameEntry[];
}

/** The search domain that aardvark-dns knows. */
export const searchDomain = 'dns.podman';

export function zoneText({ listen, dnsServers, entries }: NameZone): string {
  const lines = entries.map(({ containerId, addresses, aliases, dnsServers: own }) => {
    const of = (version: 4 | 6) => addresses.filter((one) => parseIp(one)?.version === version).join(',');
    const upstream = own.length > 0 ? ` ${own.join(',')}` : '';
    return `${containerId} ${of(4)} ${of(6)} ${aliases.map((alias) => alias.toLowerCase()).join(',')}${upstream}`;
  });
  const head = dnsServers.length > 0 ? `${listen.join(',')} ${dnsServers.join(',')}` : listen.join(',');
  return [head, ...lines].map((line) => `${line}\n`).join('');
}
