/** `ctr network rm`, `prune`, `connect`, `disconnect`, `update`: networks and the containers that are on them. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { uplink } from '../net/pasta.ts';
import { readRunningState } from '../storage/container-state.ts';
import {
  type ContainerRecord,
  lockContainer,
  readContainer,
  replaceRequest,
  resolveContainer,
} from '../storage/container-store.ts';
import { forgetMembers, lockNetwork } from '../storage/network-members.ts';
import { forgetPeers } from '../storage/network-peers.ts';
import {
  defaultNetworkName,
  hasBridge,
  isOverlay,
  listNetworks,
  type NetworkRecord,
  type OverlayNetwork,
  readNetwork,
  removeNetworkRecord,
  resolveNetwork,
  writeNetwork,
} from '../storage/network-store.ts';
import { isAdmitted, placesOf, readyHolderLocked, rememberNetworks } from './bridge-network.ts';
import { type ContainerEntry, listContainerEntries } from './container-list.ts';
import { writeHosts } from './hosts-file.ts';
import { findHolder, lockHolder, openLifeline, runInHolder } from './network-holder.ts';
import { joinNetwork, leaveNetwork } from './network-membership.ts';
import { serveNames, tellNames } from './network-names.ts';
import { connectOverlays } from './network-overlays.ts';
import { requireNetworkProgram, requireNetworkPrograms } from './network-programs.ts';
import { admitToHost, forgetBridge, setUpNetworks, tearDownNetworks } from './network-setup.ts';
import type { NetworkAttachment, NetworkRequest } from './run-request.ts';
import { requestIfWhole, storedRequest } from './stored-request.ts';

/** The containers that name a network, running or not. */
export function networkUsers(host: Host, network: NetworkRecord): ContainerEntry[] {
  return listContainerEntries(host, { all: true }).entries.filter(({ container }) =>
    attachmentsOf(requestIfWhole(container)?.network).some(({ name }) => isNamed(host, network, name)),
  );
}

const attachmentsOf = (network: NetworkRequest | undefined) => (network?.mode === 'bridge' ? network.networks : []);

function isNamed(host: Host, network: NetworkRecord, name: string): boolean {
  return name === network.name || readNetwork(host, name)?.name === network.name || network.id.startsWith(name);
}

export async function removeNetwork(host: Host, network: NetworkRecord, { force }: { force: boolean }): Promise<void> {
  if (network.name === defaultNetworkName) {
    throw new CtrError('DENIED', `default network ${network.name} cannot be removed`);
  }
  if (force) await removeUsers(host, network);
  using _lock = await lockNetwork(host, network);
  const [user] = networkUsers(host, network);
  if (user) {
    throw new CtrError('IN_USE', `network ${network.name} is being used by container ${user.container.name}`, {
      exitCode: 2,
      hint: 'remove its containers first, or give --force',
    });
  }
  removeNetworkRecord(host, network);
  forgetMembers(host, network);
  forgetPeers(host, network);
  if (isOverlay(network) && network.overlay.etcd) await leaveEtcd(host, network);
  await removeBridge(host, network);
}

async function leaveEtcd(host: Host, network: OverlayNetwork): Promise<void> {
  try {
    const [{ leaveDirectory }, { overlaySecret }] = await Promise.all([
      import('./network-directory.ts'),
      import('./network-tunnel.ts'),
    ]);
    await leaveDirectory(overlaySecret(host, network), network);
  } catch (error) {
    host.log.warn(`network ${network.name} stays in etcd: ${error instanceof Error ? error.message : error}`);
  }
}

async function removeUsers(host: Host, network: NetworkRecord): Promise<void> {
  const { removeExisting } = await import('./remove-existing.ts');
  for (const { container } of networkUsers(host, network)) {
    await removeExisting(host, container.id, { force: true, withDependants: true, volumes: false });
  }
}

/** The bridge stays as long as the holder does; who makes the network again must not find the old one. */
async function removeBridge(host: Host, network: NetworkRecord): Promise<void> {
  const name = network.network_interface;
  using _lock = await lockHolder(host);
  const holder = findHolder(host);
  if (holder === undefined || !hasBridge(network)) return;
  if (network.overlay) await (await import('./network-tunnel.ts')).removeTunnel(host, holder, network);
  const ip = requireNetworkProgram(host, 'ip');
  await runInHolder(host, holder, { args: [ip, 'link', 'delete', name], log: 'ip', network: holder });
  forgetBridge(host, name);
  await tellNames(host);
}

/** netavark takes the bridge away with its last port. */
async function hasLink(host: Host, holder: number, name: string): Promise<boolean> {
  const args = [requireNetworkProgram(host, 'ip'), 'link', 'show', 'dev', name];
  return (await runInHolder(host, holder, { args, log: 'ip', network: holder })).exitCode === 0;
}

/** Remove the networks that no container names; returns them. */
export async function pruneNetworks(
  host: Host,
  matches: (network: NetworkRecord) => boolean,
): Promise<NetworkRecord[]> {
  const removed: NetworkRecord[] = [];
  for (const network of listNetworks(host)) {
    if (network.name === defaultNetworkName || !matches(network) || networkUsers(host, network).length > 0) continue;
    await removeNetwork(host, network, { force: false });
    removed.push(network);
  }
  return removed;
}

/** Put a container on one more network; at once when it runs. */
export async function connectNetwork(host: Host, name: string, container: string, options: readonly string[]) {
  const network = resolveNetwork(host, name);
  const { id } = resolveContainer(host, container);
  using _lock = lockContainer(host, id);
  const record = resolveContainer(host, id);
  const request = storedRequest(record);
  if (request.network.mode !== 'bridge') {
    throw new CtrError(
      'UNSUPPORTED',
      `container ${record.name} has the network ${request.network.mode}: it cannot be connected`,
      {
        hint: 'start it with --network NAME; more networks can be connected then',
      },
    );
  }
  const { networks } = request.network;
  if (networks.some((one) => isNamed(host, network, one.name))) {
    throw new CtrError('EXISTS', `container ${record.name} is already connected to network ${network.name}`);
  }
  const attachment: NetworkAttachment = { name: network.name, options };
  const state = readRunningState(host, id);
  if (state) await connectRunning(host, { record, network, attachment, pid: state.init.pid });
  replaceRequest(host, record, { ...request, network: { mode: 'bridge', networks: [...networks, attachment] } });
}

interface Connecting {
  readonly record: ContainerRecord;
  readonly network: NetworkRecord;
  readonly attachment: NetworkAttachment;
  readonly pid: number;
}

async function connectRunning(host: Host, { record, network, attachment, pid }: Connecting): Promise<void> {
  requireNetworkPrograms(host, { dns: network.dns_enabled, publish: false });
  const request = storedRequest(record);
  const places = placesOf(host, record.id);
  openLifeline(host); // Until this process ends.
  rememberNetworks(host, record.id, [...places.map((place) => place.network.name), network.name]);
  const index = nextIndex(places.map(({ member }) => member.interfaceName));
  const member = await joinNetwork(host, network, record, { request, attachment, index });
  try {
    using _holder = await lockHolder(host);
    const holder = await readyHolderLocked(host);
    await setUpNetworks(host, holder, { pid, container: record, places: [{ network, member }] });
    await connectOverlays(host, holder, [{ network, member }]);
    await admitToHost(host, holder);
    await serveNames(host, holder);
  } catch (error) {
    await leaveNetwork(host, network.name, record.id);
    throw error;
  }
  refreshHosts(host, record);
}

function refreshHosts(host: Host, container: ContainerRecord): void {
  const request = storedRequest(container);
  const places = placesOf(host, container.id);
  const isOpen = isAdmitted(
    request,
    places.map(({ network }) => network),
  );
  const ownAddress = places[0]?.member.addresses[0];
  writeHosts(host, { container, request, ownAddress, hostAddress: isOpen ? uplink.gateway : undefined });
}

function nextIndex(names: readonly string[]): number {
  for (let index = 0; ; index++) if (!names.includes(`eth${index}`)) return index;
}

/** Take a container off a network; at once when it runs. */
export async function disconnectFromNetwork(host: Host, name: string, container: string): Promise<void> {
  const network = resolveNetwork(host, name);
  const { id } = resolveContainer(host, container);
  using _lock = lockContainer(host, id);
  const record = readContainer(host, id);
  if (!record) throw new CtrError('NOT_FOUND', `container ${container} is gone`);
  const request = storedRequest(record);
  const attachments = attachmentsOf(request.network);
  const rest = attachments.filter((one) => !isNamed(host, network, one.name));
  if (rest.length === attachments.length) {
    throw new CtrError('STATE', `container ${record.name} is not connected to network ${network.name}`);
  }
  const state = readRunningState(host, id);
  if (state) await disconnectRunning(host, record, network, state.init.pid);
  replaceRequest(host, record, { ...request, network: { mode: 'bridge', networks: rest } });
}

async function disconnectRunning(host: Host, record: ContainerRecord, network: NetworkRecord, pid: number) {
  const place = placesOf(host, record.id).find((one) => one.network.name === network.name);
  await leaveNetwork(host, network.name, record.id);
  using _holder = await lockHolder(host);
  const holder = findHolder(host);
  if (holder !== undefined && place) {
    await tearDownNetworks(host, holder, { pid, container: record, places: [place] });
    if (!(await hasLink(host, holder, network.network_interface))) forgetBridge(host, network.network_interface);
    await admitToHost(host, holder);
  }
  await tellNames(host);
  refreshHosts(host, record);
}

/** `network update`: name servers to ask for what no container is called. */
export async function updateNetwork(
  host: Host,
  name: string,
  change: { readonly add: readonly string[]; readonly drop: readonly string[] },
): Promise<NetworkRecord> {
  const network = resolveNetwork(host, name);
  if (network.name === defaultNetworkName) throw new CtrError('DENIED', 'the default network cannot be changed');
  using _lock = await lockNetwork(host, network);
  const before = network.network_dns_servers ?? [];
  const missing = change.drop.find((server) => !before.includes(server));
  if (missing !== undefined) throw new CtrError('NOT_FOUND', `network ${network.name} has no name server ${missing}`);
  const servers = [...before, ...change.add].filter((server) => !change.drop.includes(server));
  const updated: NetworkRecord = { ...network, network_dns_servers: [...new Set(servers)] };
  writeNetwork(host, updated);
  using _holder = await lockHolder(host);
  await tellNames(host);
  return updated;
}
