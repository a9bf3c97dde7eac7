import { CtrError } from '../base/ctr-error.ts';
import { removeNetwork } from '../engine/network-verbs.ts';
import { resolveNetwork } from '../storage/network-store.ts';
import type { CommandSpec } from './command.ts';
import { reportAll } from './container-operands.ts';

interface NetworkRmFlags {
  readonly force?: boolean;
  readonly time?: string;
}

export const command: CommandSpec<NetworkRmFlags> = {
  usage: '[options] NETWORK [NETWORK...]',
  description: 'Exits with 1 when a network is not there and with 2 when a container has it.',
  examples: ['network rm front', 'network rm --force front back'],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-f, --force', 'remove the containers that have it, too; one that is not there is no error')
      .option('-t, --time <seconds>', 'with --force: how long a container has to stop');
  },
  async run(context, names, { force = false }) {
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        await removeNetwork(context.host, resolveNetwork(context.host, name), { force });
        context.stdout.write(`${name}\n`);
      } catch (error) {
        if (!(force && error instanceof CtrError && error.code === 'NOT_FOUND')) errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};
