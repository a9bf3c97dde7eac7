import { isRunning } from '../engine/container-status.ts';
import { killContainer } from '../engine/kill-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import {
  addCidFileFlag,
  addSelectionFlags,
  forEachContainer,
  type SelectionFlags,
  selectContainers,
} from './container-operands.ts';

interface KillFlags extends SelectionFlags {
  readonly signal: string;
}

export const command: CommandSpec<KillFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Send a signal to the first process of containers.',
  examples: ['kill web', 'kill -s HUP web', 'kill --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    addCidFileFlag(addSelectionFlags(command, 'all that run')).option(
      '-s, --signal <signal>',
      'a name or a number',
      'KILL',
    );
  },
  run(context, operands, flags) {
    const { host, stdout } = context;
    const selection = selectContainers(context, operands, flags, ({ status }) => isRunning(status));
    return forEachContainer(context, selection, async ({ shown, id }) => {
      await killContainer(host, resolveContainer(host, id), flags.signal);
      stdout.write(`${shown}\n`);
    });
  },
};
