import { pruneNetworks } from '../engine/network-verbs.ts';
import { type CommandSpec, collect } from './command.ts';
import { confirm } from './confirm.ts';
import { matcherFor } from './network-ls.ts';

interface NetworkPruneFlags {
  readonly filter: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<NetworkPruneFlags> = {
  usage: '[options]',
  description: 'Remove the networks that no container has, running or not.',
  examples: ['network prune', 'network prune --force --filter label=ci'],
  operands: [0, 0],
  declare(command) {
    command
      .option('--filter <key=value>', 'only those for which this holds', collect, [])
      .option('-f, --force', 'do not ask');
  },
  async run(context, _operands, { filter, force }) {
    if (!force && !confirm(context, 'This will remove all networks that no container uses.')) return 0;
    const removed = await pruneNetworks(context.host, matcherFor(context, filter));
    if (context.compat === 'docker' && removed.length > 0) context.stdout.write('Deleted Networks:\n');
    context.stdout.write(removed.map(({ name }) => `${name}\n`).join(''));
    return 0;
  },
};
