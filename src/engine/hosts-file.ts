/** A container's /etc/hosts, written before its start and once more when it has its addresses. */

import { readFileSync, writeFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { hostName } from '../linux/host-files.ts';
import { type ContainerRecord, readContainer } from '../storage/container-store.ts';
import { readFileInLayers } from '../storage/layer-file.ts';
import { layout } from '../storage/layout.ts';
import { hostsText } from './etc-files.ts';
import { rootfsFor } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import { hostnameFor } from './runtime-spec.ts';

export interface HostsFile {
  readonly container: Pick<ContainerRecord, 'id' | 'name'>;
  readonly request: RunRequest;
  readonly hostname?: string;
  readonly ownAddress?: string | undefined;
  readonly hostAddress?: string | undefined;
}

/** The file keeps its inode: a container that runs has it mounted. */
export function writeHosts(host: Host, { container, request, ownAddress, hostAddress, hostname }: HostsFile): void {
  const { id, name } = container;
  const text = hostsText({
    base: baseOf(host, container, request),
    addHosts: request.addHosts,
    hostname: hostname ?? hostnameFor({ request, id, facts: { hostHostname: hostName() } }),
    name,
    ownAddress,
    hostAddress,
  });
  writeFileSync(layout.containerEtc(host, id, 'hosts'), text);
}

/** --hosts-file. */
function baseOf(
  host: Host,
  { id }: Pick<ContainerRecord, 'id'>,
  { hostsFile = '/etc/hosts', rootfs }: RunRequest,
): string {
  if (hostsFile === 'none') return '';
  if (hostsFile !== 'image') return readOrNothing(hostsFile);
  const container = readContainer(host, id);
  const { stack } = container ? rootfsFor(host, container, { rootfs }) : { stack: [] };
  return readFileInLayers(stack, 'etc/hosts', maxHostsBytes)?.toString('latin1') ?? '';
}

const maxHostsBytes = 1024 * 1024;

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // A host without the file has nothing to pass on.
  }
}
