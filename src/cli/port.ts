import { CtrError } from '../base/ctr-error.ts';
import { type ContainerEntry, entryOf, listContainerEntries } from '../engine/container-list.ts';
import { bracketed, hostIpOf } from '../engine/container-ports.ts';
import type { PortRequest } from '../engine/run-request.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';

interface PortFlags {
  readonly all?: boolean;
  readonly latest?: boolean;
}

export const command: CommandSpec<PortFlags> = {
  usage: '[options] CONTAINER [PORT[/PROTOCOL]]',
  examples: ['port web', 'port web 80', 'port --all'],
  operands: [0, 2],
  declare(command) {
    command
      .option('-a, --all', 'of all containers that run')
      .option('-l, --latest', 'of the container that was made last');
  },
  run(context, operands, flags) {
    const { host, stdout } = context;
    const [name, port] = flags.latest ? [undefined, ...operands] : operands;
    if (flags.all) {
      if (name !== undefined) throw new CtrError('USAGE', '--all and a container cannot be combined');
      const { entries } = listContainerEntries(host, { all: false });
      stdout.write(entries.flatMap((entry) => linesOf(entry, `${entry.container.id.slice(0, 12)}\t`)).join(''));
      return 0;
    }
    const [container] = namedContainers(context, name === undefined ? [] : [name], flags);
    if (!container) return 0;
    const entry = entryOf(host, container);
    stdout.write(port === undefined ? linesOf(entry).join('') : addressesOf(entry, port));
    return 0;
  },
};

const address = (port: PortRequest) => `${bracketed(hostIpOf(port))}:${port.hostPort}`;

const linesOf = ({ request }: ContainerEntry, before = '') =>
  request.publish.map((port) => `${before}${port.containerPort}/${port.protocol} -> ${address(port)}\n`);

/** `80`, `80/tcp`: where it is reachable; an error when it is not. */
function addressesOf({ request, container }: ContainerEntry, wanted: string): string {
  const [number, protocol = 'tcp'] = wanted.split('/');
  const found = request.publish.filter((port) => `${port.containerPort}` === number && port.protocol === protocol);
  if (found.length > 0) return found.map((port) => `${address(port)}\n`).join('');
  throw new CtrError('NOT_FOUND', `no public port '${wanted}' published for ${container.name}`);
}
