import { CtrError } from '../base/ctr-error.ts';
import { repairNetworks } from '../engine/bridge-network.ts';
import { listContainerEntries } from '../engine/container-list.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';

interface NetworkReloadFlags {
  readonly all?: boolean;
  readonly latest?: boolean;
}

export const command: CommandSpec<NetworkReloadFlags> = {
  usage: '[options] [CONTAINER...]',
  description:
    'Make again what serves the networks of running containers, where something of it was killed: holder, pasta,\n' +
    'aardvark-dns, bridges and firewall rules. Every `run` and `network` command does so, too.',
  examples: ['network reload web', 'network reload --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'of all containers that run')
      .option('-l, --latest', 'of the container that was made last');
  },
  async run(context, names, { all, latest = false }) {
    const { host, stdout } = context;
    const ids = all
      ? listContainerEntries(host, { all: false }).entries.map(({ container }) => container.id)
      : namedContainers(context, names, { latest }).map(({ id }) => id);
    const ended = ids.find((id) => !readRunningState(host, id));
    if (ended !== undefined) throw new CtrError('STATE', `container ${ended.slice(0, 12)} is not running`);
    await repairNetworks(host);
    stdout.write(ids.map((id) => `${id}\n`).join(''));
    return 0;
  },
};
