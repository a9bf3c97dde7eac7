import { isRunning } from '../engine/container-status.ts';
import { restartContainer } from '../engine/start-existing.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import {
  addCidFileFlag,
  addSelectionFlags,
  forEachContainer,
  type SelectionFlags,
  selectContainers,
} from './container-operands.ts';
import { addStopFlags, parseStopTimeout, type StopFlags } from './flags/stop.ts';

interface RestartFlags extends SelectionFlags, StopFlags {
  readonly running?: boolean;
}

export const command: CommandSpec<RestartFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Stop containers and start them again; those that do not run are started.',
  examples: ['restart web', 'restart -t 1 --running'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    addSelectionFlags(command, 'all, also those that do not run').option('--running', 'all that run');
    addStopFlags(addCidFileFlag(command));
  },
  run(context, operands, flags) {
    const { host, stdout } = context;
    const options = parseStopTimeout(flags);
    const choice = { ...flags, all: flags.all || flags.running || false };
    const selection = selectContainers(context, operands, choice, ({ status }) => !flags.running || isRunning(status));
    return forEachContainer(context, selection, async ({ shown, id }) => {
      await restartContainer(host, resolveContainer(host, id), options);
      stdout.write(`${shown}\n`);
    });
  },
};
