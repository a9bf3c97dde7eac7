/** What runtime-spec.ts has to know about host and image for one container, found out and prepared. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { version } from '../base/version.ts';
import { capabilityNames, lastCapability } from '../linux/capabilities.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, resolveContainer } from '../storage/container-store.ts';
import { readFileInLayers } from '../storage/layer-file.ts';
import { layout } from '../storage/layout.ts';
import { type ContainerNetwork, ownsNetwork } from './container-network.ts';
import { containerEnvText, hostnameText, hostsText, resolvText } from './etc-files.ts';
import type { RunRequest } from './run-request.ts';
import type { HostFacts, RuntimeSpecInput } from './runtime-spec/facts.ts';
import { hostnameFor } from './runtime-spec.ts';
import { findExecutable } from './user-namespace.ts';

/** /etc/passwd and /etc/group of real systems stay far below this. */
const maxUserFileBytes = 4 * 1024 * 1024;

export interface FactsRequest {
  readonly container: ContainerRecord;
  readonly request: RunRequest;
  readonly defaults: ContainerDefaults;
  readonly maps: IdMaps;
  readonly network: ContainerNetwork;
  readonly stack: readonly string[];
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  readonly sourceOf: HostFacts['sourceOf'];
}

export function runtimeSpecInput(host: Host, facts: FactsRequest): RuntimeSpecInput {
  const { container, request, defaults, stack } = facts;
  const read = (path: string) => readFileInLayers(stack, path, maxUserFileBytes)?.toString('latin1') ?? '';
  const input: RuntimeSpecInput = {
    request,
    defaults,
    id: container.id,
    userFiles: { passwd: read('etc/passwd'), group: read('etc/group') },
    facts: hostFacts(host, facts),
  };
  writeEtcFiles(host, facts, input);
  return input;
}

function hostFacts(host: Host, { container, request, maps, consoleSize, sourceOf }: FactsRequest): HostFacts {
  const etc = (name: string) => layout.containerEtc(host, container.id, name);
  const init = request.init ? initProgram(host) : undefined;
  const network = networkNamespaceOf(host, request);
  return {
    rootPath: layout.rootMount(host, container.id),
    uidMappings: maps.uid,
    gidMappings: maps.gid,
    capabilities: capabilityNames.slice(0, lastCapability() + 1),
    hostHostname: hostname(),
    etcFiles: {
      hostname: etc('hostname'),
      containerEnv: etc('containerenv'),
      ...(request.noHosts ? {} : { hosts: etc('hosts') }),
      ...(request.dns.includes('none') ? {} : { resolvConf: etc('resolv.conf') }),
    },
    hostDevices: request.security.privileged ? openableDevices() : [],
    ...(init === undefined ? {} : { initPath: init }),
    ...(network === undefined ? {} : { networkNamespacePath: network }),
    ...(consoleSize ? { consoleSize } : {}),
    sourceOf,
  };
}

function writeEtcFiles(host: Host, { container, request, network }: FactsRequest, input: RuntimeSpecInput): void {
  const hostFile = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return ''; // A host without the file has nothing to pass on.
    }
  };
  const name = hostnameFor(input);
  const put = (file: string, text: string) => writeFileSync(layout.containerEtc(host, container.id, file), text);
  put('hostname', hostnameText(name));
  put(
    'hosts',
    hostsText({ base: hostFile('/etc/hosts'), addHosts: request.addHosts, hostname: name, name: container.name }),
  );
  put(
    'resolv.conf',
    resolvText({
      base: hostFile('/etc/resolv.conf'),
      dns: request.dns,
      dnsSearch: request.dnsSearch,
      dnsOptions: request.dnsOptions,
      ownLoopback: ownsNetwork(request.network),
      networkServers: network.nameservers,
    }),
  );
  put(
    'containerenv',
    containerEnvText({
      version,
      privileged: request.security.privileged,
      name: container.name,
      id: container.id,
      image: container.imageName ?? '',
      imageId: container.imageId ?? '',
    }),
  );
}

/** tini and catatonit are static and understand the same command line. */
function initProgram(host: Host): string | undefined {
  const name = ['catatonit', 'tini-static', 'tini'].find((each) => findExecutable(host, each) !== undefined);
  return name === undefined ? undefined : findExecutable(host, name);
}

function networkNamespaceOf(host: Host, { network }: RunRequest): string | undefined {
  if (network.mode !== 'container') return undefined;
  const other = resolveContainer(host, network.container);
  const state = readRunningState(host, other.id);
  if (state) return `/proc/${state.init.pid}/ns/net`;
  throw new CtrError('STATE', `container ${other.name} is not running: its network cannot be joined`);
}

/** Devices below /dev that can be bound into a container that gets them all. */
function openableDevices(): string[] {
  return readdirSync('/dev', { withFileTypes: true })
    .filter((entry) => entry.isCharacterDevice() || entry.isBlockDevice())
    .map((entry) => `/dev/${entry.name}`)
    .filter((path) => !['/dev/console', '/dev/ptmx', '/dev/tty'].includes(path));
}
