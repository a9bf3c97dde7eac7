/** --pid, --ipc, --uts, --cgroupns: which of the kernel's views the container shares, and with whom. */

import type { NamespaceMode, NamespacesRequest } from '../../engine/sandbox-request.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';

export interface NamespaceOptions {
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly cgroupns?: string;
}

export function addNamespaceFlags(command: FlagSet): void {
  command
    .optionsGroup('Namespaces:')
    .option('--pid <mode>', 'which processes it sees: private, host, container:ID, ns:PATH')
    .option('--ipc <mode>', 'shared memory: private, shareable, none, host, container:ID, ns:PATH')
    .option('--uts <mode>', 'the host name: private, host, container:ID, ns:PATH')
    .option('--cgroupns <mode>', 'the view of control groups: private, host, container:ID, ns:PATH');
}

/** Undefined when all are private, which is the default. */
export function parseNamespaces(options: NamespaceOptions): NamespacesRequest | undefined {
  const { pid, ipc, uts, cgroupns } = options;
  const namespaces: NamespacesRequest = {
    ...(pid === undefined ? {} : { pid: parseMode('--pid', pid) }),
    ...(ipc === undefined ? {} : { ipc: parseIpc(ipc) }),
    ...(uts === undefined ? {} : { uts: parseMode('--uts', uts) }),
    ...(cgroupns === undefined ? {} : { cgroup: parseMode('--cgroupns', cgroupns) }),
  };
  return Object.values(namespaces).every(({ mode }) => mode === 'private') ? undefined : namespaces;
}

/** Every private one can be joined by container:ID, so `shareable` is no other thing. */
function parseIpc(word: string): NamespaceMode {
  if (word === 'none') return { mode: 'none' };
  return word === 'shareable' ? { mode: 'private' } : parseMode('--ipc', word);
}

function parseMode(flag: string, word: string): NamespaceMode {
  if (word === '' || word === 'private') return { mode: 'private' };
  if (word === 'host') return { mode: 'host' };
  const [, kind, value = ''] = /^(container|ns):(.+)$/.exec(word) ?? [];
  if (kind === 'container') return { mode: 'container', container: value };
  if (kind === 'ns' && value.startsWith('/')) return { mode: 'ns', path: value };
  throw flagError(flag, word, 'want private, host, container:ID or ns:/PATH');
}
