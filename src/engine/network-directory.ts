/**
 * The machines of an overlay network with `--opt etcd=URL`: each writes what it says of itself there, under a lease, and
 * reads the others. Its part of the subnet is claimed there, too, for as long as the network exists on it.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { EtcdDirectory } from '../net/etcd.ts';
import type { OverlaySecret } from '../net/overlay-keys.ts';
import { parsePeer, peerName } from '../net/peer-name.ts';
import { lockNetwork } from '../storage/network-members.ts';
import { type PeerState, parsePeerState, readPeers, writePeers } from '../storage/network-peers.ts';
import type { OverlayNetwork } from '../storage/network-store.ts';

/** Into how many parts a subnet is divided where nobody knows how many machines there will be. */
export const etcdParts = 16;
const leaseSeconds = 60;

/** The number of a part that belongs to `self` from now on. */
export async function claimPart(url: string, secret: OverlaySecret, self: string): Promise<number> {
  const directory = new EtcdDirectory(url, secret);
  const taken = await directory.list('parts');
  const own = taken.find(({ text }) => text === self);
  if (own) return Number(own.name);
  for (let part = 0; part < etcdParts; part++) {
    if (await directory.claim(`parts/${part}`, self)) return part;
  }
  throw new CtrError('NO_SPACE', `all ${etcdParts} parts of the subnet belong to other machines`, {
    hint: '`ctr network rm` on a machine gives its part back',
  });
}

/** The network is removed here: its part and its members may be another's. */
export async function leaveDirectory(secret: OverlaySecret, { overlay }: OverlayNetwork): Promise<void> {
  const directory = new EtcdDirectory(overlay.etcd ?? '', secret);
  await directory.remove(`machines/${overlay.self}`);
  const parts = await directory.list('parts');
  for (const { name } of parts.filter(({ text }) => text === overlay.self)) await directory.remove(`parts/${name}`);
}

/**
 * Say who is on the network here (nobody: take it back) and take down what the others say. A machine whose lease has
 * ended is forgotten, unless it was given by --peer.
 */
export async function syncDirectory(host: Host, network: OverlayNetwork, secret: OverlaySecret, own: PeerState) {
  const { etcd = '', self, peers } = network.overlay;
  const directory = new EtcdDirectory(etcd, secret);
  if (own.members.length === 0) await directory.remove(`machines/${self}`);
  else await directory.put(`machines/${self}`, JSON.stringify(own), leaseSeconds);
  const found = (await directory.list('machines')).filter(({ name }) => name !== self && isPeer(name));
  using _lock = await lockNetwork(host, network);
  const known = readPeers(host, network);
  const kept = Object.entries(known).filter(([name]) => peers.includes(name));
  const states = found.map(({ name, text }) => {
    const [state, before] = [parsePeerState(text, name, network), known[name]];
    return [name, before && before.at > state.at ? before : state] as const;
  });
  writePeers(host, network, Object.fromEntries([...kept, ...states]));
}

function isPeer(name: string): boolean {
  try {
    return peerName(parsePeer(name, 'machine')) === name;
  } catch {
    return false;
  }
}
