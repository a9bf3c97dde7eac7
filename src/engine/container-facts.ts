/** What runtime-spec.ts has to know about host and image for one container, found out and prepared. */

import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { version } from '../base/version.ts';
import { capabilityNames, lastCapability } from '../linux/capabilities.ts';
import { hostName } from '../linux/host-files.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { type ContainerRecord, resolveContainer } from '../storage/container-store.ts';
import { readFileInLayers, withDirectoryInLayers } from '../storage/layer-file.ts';
import { layout } from '../storage/layout.ts';
import { ownsNetwork } from './container-network.ts';
import { aptConfPath, aptConfText, containerEnvText, hostnameText, resolvText } from './etc-files.ts';
import { writeHosts } from './hosts-file.ts';
import type { ContainerNetwork } from './network-plan.ts';
import type { RunRequest } from './run-request.ts';
import type { HostFacts, RuntimeSpecInput } from './runtime-spec/facts.ts';
import { hostnameFor } from './runtime-spec.ts';
import { namespacePaths } from './shared-namespaces.ts';

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
  readonly keptUser?: HostFacts['keptUser'];
  readonly secretFiles?: HostFacts['secretFiles'];
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

function hostFacts(host: Host, facts: FactsRequest): HostFacts {
  const { container, request, maps, consoleSize, sourceOf, keptUser, secretFiles } = facts;
  const etc = (name: string) => layout.containerEtc(host, container.id, name);
  const shared = (name: string) => layout.containerEtc(host, ownerOfNetwork(host, container, request), name);
  return {
    rootPath: layout.rootMount(host, container.id),
    uidMappings: maps.uid,
    gidMappings: maps.gid,
    capabilities: capabilityNames.slice(0, lastCapability() + 1),
    hostHostname: hostName(),
    etcFiles: {
      hostname: etc('hostname'),
      containerEnv: etc('containerenv'),
      ...(needsAptConf(facts) ? { aptConf: etc('apt.conf') } : {}),
      ...(request.noHosts ? {} : { hosts: request.addHosts.length > 0 ? etc('hosts') : shared('hosts') }),
      ...(request.dns.includes('none') ? {} : { resolvConf: shared('resolv.conf') }),
    },
    hostDevices: request.security.privileged ? openableDevices() : [],
    namespacePaths: {
      ...namespacePaths(host, request),
      ...(facts.network.userNamespace === undefined ? {} : { user: facts.network.userNamespace }),
    },
    sharedMemoryMounts: ['/dev/shm', '/dev/mqueue'].filter(
      (path) => request.namespaces?.ipc?.mode === 'host' && existsSync(path),
    ),
    ...(keptUser ? { keptUser } : {}),
    ...(secretFiles ? { secretFiles } : {}),
    ...(request.timezone === undefined ? {} : zoneOf(request.timezone)),
    ...(request.hostUsers ? { hostUserLines: request.hostUsers.map(hostUserLine) } : {}),
    ...(consoleSize ? { consoleSize } : {}),
    sourceOf,
  };
}

/** With `--network container:NAME` names are what they are there: podman-run(1). */
function ownerOfNetwork(host: Host, container: ContainerRecord, { network }: RunRequest): string {
  return network.mode === 'container' ? resolveContainer(host, network.container).id : container.id;
}

/** Not in a directory of the user's: the mount point would be made there. */
const needsAptConf = ({ maps, request, stack }: FactsRequest): boolean =>
  maps.kind === 'single' &&
  (request.rootfs === undefined || request.rootfs.overlay === true) &&
  withDirectoryInLayers(stack, dirname(aptConfPath), () => true) === true;

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
  if (input.facts.etcFiles.aptConf !== undefined) put('apt.conf', aptConfText);
  writeHosts(host, { container, request, hostAddress: network.hostAddress, hostname: name });
  put(
    'resolv.conf',
    resolvText({
      base: hostFile('/etc/resolv.conf'),
      dns: request.dns,
      dnsSearch: request.dnsSearch,
      dnsOptions: request.dnsOptions,
      ownLoopback: ownsNetwork(request.network),
      networkServers: network.nameservers,
      ...(network.searchDomains ? { networkDomains: network.searchDomains } : {}),
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

/** `local` is the host's zone, resolved: /etc/localtime is a link into the zone files. */
function zoneOf(zone: string): { zoneFile?: string } {
  const path = zone === 'local' ? '/etc/localtime' : `/usr/share/zoneinfo/${zone}`;
  return existsSync(path) ? { zoneFile: realpathSync(path) } : {};
}

/** getent(1): users may come from a directory service. */
function hostUserLine(user: string): string {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { stdout, status } = spawnSync('getent', ['passwd', '--', user], { encoding: 'utf8', timeout: 10_000 });
  const line = stdout?.split('\n')[0] ?? '';
  if (status === 0 && line !== '') return line;
  throw new CtrError('NOT_FOUND', `--hostuser ${user}: this host has no such user`);
}

/** Devices below /dev that can be bound into a container that gets them all. */
function openableDevices(): string[] {
  return readdirSync('/dev', { withFileTypes: true })
    .filter((entry) => entry.isCharacterDevice() || entry.isBlockDevice())
    .map((entry) => `/dev/${entry.name}`)
    .filter((path) => !['/dev/console', '/dev/ptmx', '/dev/tty'].includes(path));
}
