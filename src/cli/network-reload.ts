import { CtrError } from '../base/ctr-error.ts';
import { repairNetworks } from '../engine/bridge-network.ts';
import { listContainerEntries } from '../engine/container-list.ts';
import { readRunningState } from '../storage/container-state.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

interface NetworkReloadFlags {
  readonly all?: boolean;
}

export const command: CommandSpec<NetworkReloadFlags> = {
  usage: '[options] [CONTAINER...]',
  description:
    'Make again what serves the networks of running containers, where something of it was killed: holder, pasta,\n' +
    'aardvark-dns, bridges and firewall rules. Every `run` and `network` command does so, too.',
  examples: ['network reload web', 'network reload --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'of all containers that run');
  },
  async run({ host, stdout }, names, { all }) {
    if (!all && names.length === 0) throw new CtrError('USAGE', 'requires a container, or --all');
    const ids = all
      ? listContainerEntries(host, { all: false }).entries.map(({ container }) => container.id)
      : names.map((name) => resolveContainer(host, name).id);
    const ended = ids.find((id) => !readRunningState(host, id));
    if (ended !== undefined) throw new CtrError('STATE', `container ${ended.slice(0, 12)} is not running`);
    await repairNetworks(host);
    stdout.write(ids.map((id) => `${id}\n`).join(''));
    return 0;
  },
};
