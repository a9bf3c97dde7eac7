/** The machines of an overlay network: HOST[:PORT], as given by --peer, is a machine's name and where it is found. */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtrError } from '../base/ctr-error.ts';
import { formatIp, parseIp } from '../base/ip-network.ts';

const defaultPort = 51_820;

export interface PeerPlace {
  readonly host: string;
  readonly port: number;
}

/** `HOST`, `HOST:PORT`, `IPv6` or `[IPv6]:PORT`. */
export function parsePeer(text: string, flag: string): PeerPlace {
  const [, six, name, portText] = /^(?:\[([\da-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = parseIp(text)?.version === 6 ? text : (six ?? name);
  const port = portText === undefined ? defaultPort : Number(portText);
  const isHost = host !== undefined && (parseIp(host) !== undefined || /^[\da-z_]([\da-z_.-]*[\da-z_])?$/i.test(host));
  if (isHost && port > 0 && port < 65_536) return { host: canonical(host), port };
  throw new CtrError('INVALID', `${flag} ${text}: want HOST or HOST:PORT`);
}

const canonical = (host: string) => {
  const ip = parseIp(host);
  return ip ? formatIp(ip.version, ip.value) : host.toLowerCase();
};

/** The text that keys are derived from; parsePeer takes it. */
export const peerName = ({ host, port }: PeerPlace): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const lookupTimeoutMs = 2_000;

/** The addresses of a peer; none when its name does not resolve now. A name server that is down delays nobody for long. */
export async function addressesOf({ host }: Pick<PeerPlace, 'host'>): Promise<string[]> {
  if (parseIp(host)) return [host];
  const lookedUp = lookup(host, { all: true }).catch(() => []);
  const found = await Promise.race([lookedUp, sleep(lookupTimeoutMs, [], { ref: false })]);
  return found.map(({ address }) => address);
}

/** Those of the peers that are this machine, by the addresses of its interfaces. */
export async function ownPeers(peers: readonly PeerPlace[]): Promise<PeerPlace[]> {
  const own = new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => canonical(address)),
  );
  const known = await Promise.all(peers.map(async (peer) => ({ peer, addresses: await addressesOf(peer) })));
  return known.filter(({ addresses }) => addresses.some((one) => own.has(canonical(one)))).map(({ peer }) => peer);
}
