/**
 * A container on named networks. It is in the user namespace of the holder, because only processes there have rights over
 * the bridges (docs/adr/0004-bridge-networks.md); its network namespace is its own. Locks: container → network → holder.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { searchDomain } from '../net/aardvark.ts';
import { reservePorts } from '../net/host-ports.ts';
import { uplink } from '../net/pasta.ts';
import { array, string } from '../oci/check.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { type NetworkMember, readMembers } from '../storage/network-members.ts';
import { isOverlay, listNetworks, type NetworkRecord, resolveNetwork } from '../storage/network-store.ts';
import { hostGatewayWanted } from './etc-files.ts';
import { writeHosts } from './hosts-file.ts';
import { ensureHolder, lockHolder, markRestored, openLifeline } from './network-holder.ts';
import { forgetLost, joinNetwork, leaveNetwork, updateMember } from './network-membership.ts';
import { serveNames, tellNames } from './network-names.ts';
import { connectOverlays, repairOverlays } from './network-overlays.ts';
import type { ContainerNetwork } from './network-plan.ts';
import { requireNetworkPrograms, requireOverlayPrograms } from './network-programs.ts';
import { publishPorts } from './network-publish.ts';
import { admitToHost, type Place, removeInterfaces, setUpNetworks } from './network-setup.ts';
import type { NetworkAttachment, RunRequest } from './run-request.ts';

/** Find the networks and the holder; nothing of the container is made yet. */
export async function bridgeNetwork(
  host: Host,
  container: ContainerRecord,
  request: RunRequest,
  attachments: readonly NetworkAttachment[],
): Promise<ContainerNetwork> {
  refuseOtherIds(request);
  const networks = attachments.map(({ name }) => resolveNetwork(host, name));
  const twice = networks.find(({ name }, at) => networks.findIndex((other) => other.name === name) !== at);
  if (twice) throw new CtrError('USAGE', `network ${twice.name} was given twice`);
  const named = networks.filter((network) => network.dns_enabled);
  requireNetworkPrograms(host, { dns: named.length > 0, publish: request.publish.length > 0 });
  if (networks.some(isOverlay)) requireOverlayPrograms(host);
  const ports = request.publish.length > 0 ? await reservePorts(request.publish) : [];
  const lifeline = openLifeline(host);
  const holder = await readyHolder(host);
  return {
    mode: 'bridge',
    nameservers: named.flatMap(({ subnets }) => subnets.flatMap(({ gateway }) => gateway ?? [])),
    searchDomains: named.length > 0 ? [searchDomain] : [],
    userNamespace: `/proc/${holder}/ns/user`,
    lifelines: [lifeline],
    connect: async (pid, id) => {
      writeJsonFile(
        namesFile(host, id),
        networks.map(({ name }) => name),
      );
      const places: Place[] = [];
      for (const [index, network] of networks.entries()) {
        const member = await joinNetwork(host, network, container, { request, attachment: attachments[index], index });
        places.push({ network, member });
      }
      using _lock = await lockHolder(host);
      await setUpNetworks(host, holder, { pid, container, places });
      await connectOverlays(host, holder, places);
      await admitToHost(host, holder);
      await serveNames(host, holder);
      const addresses = places.flatMap(({ member }) => member.addresses);
      if (ports.length > 0) await publishPorts(host, holder, { pid, id, addresses, ports });
      writeHosts(host, {
        ...{ container, request },
        ownAddress: addresses[0],
        hostAddress: isAdmitted(request, networks) ? uplink.gateway : undefined,
      });
    },
  };
}

/** Whether the host's loopback may be reached: some network says so, or the user asked for a name of it. */
export const isAdmitted = ({ addHosts }: Pick<RunRequest, 'addHosts'>, networks: readonly NetworkRecord[]): boolean =>
  hostGatewayWanted(addHosts) || networks.some(({ options }) => options.host_loopback === 'true');

function refuseOtherIds({ userns, namespaces }: RunRequest): void {
  if (userns && userns.mode !== 'host' && userns.mode !== 'container') {
    throw new CtrError('UNSUPPORTED', 'a container on a named network has the ids of all others there', {
      hint: 'leave --userns, --uidmap and the mount option `me` out, or use --network pasta',
    });
  }
  const joined = [userns, ...Object.values(namespaces ?? {})].find((one) => one?.mode === 'container');
  if (joined?.mode !== 'container') return;
  throw new CtrError('UNSUPPORTED', `the namespaces of ${joined.container} and a named network cannot be combined`, {
    hint: '--network container:NAME shares the networks of that container, too',
  });
}

async function readyHolder(host: Host): Promise<number> {
  using _lock = await lockHolder(host);
  return readyHolderLocked(host);
}

/** The holder's pid, with every bridge of a container that runs in it. The caller holds its lock and a lifeline. */
export async function readyHolderLocked(host: Host): Promise<number> {
  const { pid, isEmpty } = await ensureHolder(host);
  if (isEmpty) {
    forgetLost(host);
    await admitToHost(host, pid);
    await restoreNetworks(host, pid);
    markRestored(host);
  }
  await repairOverlays(host, pid);
  return pid;
}

/**
 * For `network` commands: what serves the containers that run is there again, whatever was killed. Does nothing without
 * such containers.
 */
export async function repairNetworks(host: Host): Promise<void> {
  if (![...placesByContainer(host).keys()].some((id) => readRunningState(host, id))) return;
  openLifeline(host); // Until this process ends.
  using _lock = await lockHolder(host);
  await serveNames(host, await readyHolderLocked(host));
}

/** After the holder was killed: the interfaces of its containers go with its namespace, but not at once. */
async function restoreNetworks(host: Host, holder: number): Promise<void> {
  for (const [id, places] of placesByContainer(host)) {
    const state = readRunningState(host, id);
    const name = places[0]?.member.containerName ?? '';
    if (!state) continue;
    await removeInterfaces(host, holder, { pid: state.init.pid, places });
    await setUpNetworks(host, holder, { pid: state.init.pid, container: { id, name }, places });
  }
  await serveNames(host, holder);
}

function placesByContainer(host: Host): Map<string, Place[]> {
  const all = listNetworks(host).flatMap((network) =>
    readMembers(host, network).members.map((member): Place => ({ network, member })),
  );
  return Map.groupBy(all, ({ member }) => member.containerId);
}

/** Where a container is at this moment. */
export const placesOf = (host: Host, id: string): Place[] => placesByContainer(host).get(id) ?? [];

const namesFile = (host: Host, id: string) => layout.networksOf(host, id);

/** Idempotent. The interfaces went with the container's namespace; what is left are its addresses and names. */
export async function leaveNetworks(host: Host, id: string): Promise<void> {
  const path = namesFile(host, id);
  const stored = readJsonFile(path);
  if (stored === undefined) return;
  for (const name of array(string)(stored, path)) await leaveNetwork(host, name, id);
  using _lock = await lockHolder(host);
  await tellNames(host);
}

/** Its aliases leave out a container that is unhealthy, as long as another one has them. */
export function tellHealth(host: Host, id: string, isHealthy: boolean): Promise<void> {
  return changeMember(host, id, (member) =>
    (member.isUnhealthy ?? false) === !isHealthy ? member : { ...member, isUnhealthy: !isHealthy },
  );
}

export function tellRename(host: Host, id: string, before: string, name: string): Promise<void> {
  return changeMember(host, id, (member) => ({
    ...member,
    containerName: name,
    aliases: member.aliases.map((alias) => (alias === before ? name : alias)),
  }));
}

async function changeMember(host: Host, id: string, change: (member: NetworkMember) => NetworkMember): Promise<void> {
  let hasChanged = false;
  for (const { network } of placesOf(host, id)) {
    if (await updateMember(host, network.name, id, change)) hasChanged = true;
  }
  if (!hasChanged) return;
  using _lock = await lockHolder(host);
  await tellNames(host);
}

/** Remember that a running container is on these networks. */
export function rememberNetworks(host: Host, id: string, names: readonly string[]): void {
  writeJsonFile(namesFile(host, id), names);
}

/** The members of `network` whose containers are there. */
export function runningMembers(host: Host, network: NetworkRecord): NetworkMember[] {
  return readMembers(host, network).members.filter(({ containerId }) => readRunningState(host, containerId));
}
