/** The network of one container: which connector, what it needs in /etc, when it is started. Bridges live in net/. */
import { existsSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { identity } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { hostGatewayWanted } from './etc-files.ts';
import type { ContainerNetwork } from './network-plan.ts';
import type { NetworkRequest, RunRequest } from './run-request.ts';
import { findExecutable } from './user-namespace.ts';

/** Choose the connector and refuse at once what it cannot do: nothing has been made yet. */
export async function networkFor(
  host: Host,
  container: ContainerRecord,
  request: RunRequest,
): Promise<ContainerNetwork> {
  const quiet = { nameservers: [], connect: undefined };
  const { network } = request;
  switch (network.mode) {
    case 'none':
      refuseHostGateway(request, 'it has no network at all');
      return { mode: 'none', ...quiet };
    case 'host':
      return { mode: 'host', ...quiet, hostAddress: '127.0.0.1' };
    case 'ns':
    case 'container':
      return { mode: 'shared', ...quiet };
    case 'bridge':
      return (await import('./bridge-network.ts')).bridgeNetwork(host, container, request, network.networks);
    case 'slirp4netns':
      return slirpNetwork(host, request, network.options);
    case 'pasta':
      return pastaNetwork(host, request, network.options);
    case 'private':
    case 'default':
      return defaultNetwork(host, request);
    default:
      return network satisfies never;
  }
}

function defaultNetwork(host: Host, request: RunRequest): Promise<ContainerNetwork> {
  if (findExecutable(host, 'pasta')) return pastaNetwork(host, request, []);
  if (findExecutable(host, 'slirp4netns')) return slirpNetwork(host, request, []);
  throw new CtrError('UNSUPPORTED', 'no program to connect the container to the network', {
    hint: 'install the package passt (or slirp4netns), or use --network none or --network host',
  });
}

async function pastaNetwork(host: Host, request: RunRequest, options: readonly string[]): Promise<ContainerNetwork> {
  const executable = requireProgram(host, 'pasta', 'passt');
  const { startPasta, pastaNameserver } = await import('../net/pasta.ts');
  const publish = await reserved(request);
  const hostLoopback = options.includes('--map-gw') || hostGatewayWanted(request.addHosts);
  return {
    mode: 'pasta',
    connectsEarly: true,
    nameservers: [pastaNameserver],
    hostAddress: hostLoopback ? (await import('../net/default-gateway.ts')).defaultGateway() : undefined,
    connect: (pid, id) => {
      const directory = layout.runContainer(host, id);
      return startPasta({ pid, directory, options, publish, hostLoopback }, executable, host.uid);
    },
  };
}

async function slirpNetwork(host: Host, request: RunRequest, options: readonly string[]): Promise<ContainerNetwork> {
  const executable = requireProgram(host, 'slirp4netns', 'slirp4netns');
  const { slirpAddresses } = await import('../net/slirp-options.ts');
  const { startSlirp } = await import('../net/slirp.ts');
  const isAsked = hostGatewayWanted(request.addHosts) && !options.some((one) => one.startsWith('allow_host_loopback='));
  const all = isAsked ? [...options, 'allow_host_loopback=true'] : options;
  const addresses = slirpAddresses(all);
  // Without pasta it may be the default's.
  (await import('../net/slirp-ports.ts')).checkSlirp(all, request.publish);
  const publish = await reserved(request);
  return {
    mode: 'slirp4netns',
    nameservers: [addresses.nameserver],
    hostAddress: all.includes('allow_host_loopback=true') ? addresses.host : undefined,
    connect: async (pid, id) => {
      const directory = layout.runContainer(host, id);
      writeJsonFile(
        layout.slirpProcess(host, id),
        await startSlirp({ pid, directory, options: all, publish }, executable),
      );
    },
  };
}

async function reserved(request: RunRequest) {
  if (request.publish.length === 0) return [];
  const { reservePorts } = await import('../net/host-ports.ts');
  return reservePorts(request.publish);
}

function requireProgram(host: Host, name: string, packageName: string): string {
  const path = findExecutable(host, name);
  if (path !== undefined) return path;
  throw new CtrError('UNSUPPORTED', `${name} is not installed`, { hint: `install the package ${packageName}` });
}

function refuseHostGateway({ addHosts }: RunRequest, reason: string): void {
  if (!hostGatewayWanted(addHosts)) return;
  throw new CtrError('USAGE', `--add-host …:host-gateway: the host cannot be reached by the container: ${reason}`);
}

/**
 * slirp4netns does not see its container end (pasta does), nor do those who know the container's names: to be called
 * before the runtime directory is removed.
 */
export async function disconnectNetwork(host: Host, id: string): Promise<void> {
  if (existsSync(layout.networksOf(host, id))) await (await import('./bridge-network.ts')).leaveNetworks(host, id);
  const stored = readJsonFile(layout.slirpProcess(host, id));
  if (stored === undefined) return;
  const { stopSlirp } = await import('../net/slirp.ts');
  stopSlirp(identity(stored, layout.slirpProcess(host, id)));
}

/** The connector of a start: begun at the first moment that it can be, waited for before the command begins. */
export function connectorOf({ connect, connectsEarly }: ContainerNetwork, id: string) {
  let connecting: Promise<void> | undefined;
  const begin = (pid: number): Promise<void> | undefined => {
    connecting ??= connect?.(pid, id);
    // Its failure is told by who waits for it, even when that is later than it happens.
    connecting?.catch(() => {});
    return connecting;
  };
  return {
    /** The namespaces of `pid` exist. */
    cloned: (pid: number): void => void (connectsEarly && begin(pid)),
    /** They have their maps. Resolves when the network works. */
    mapped: async (pid: number): Promise<void> => begin(pid),
    /** The start failed: resolves when nothing is on its way any more. */
    settled: async (): Promise<void> => connecting?.catch(() => {}),
  };
}

/** Whether the container has a network namespace, and so a loopback, of its own. */
export function ownsNetwork(network: NetworkRequest): boolean {
  return network.mode !== 'host';
}
