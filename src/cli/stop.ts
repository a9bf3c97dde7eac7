import { isRunning } from '../engine/container-status.ts';
import { stopContainer } from '../engine/stop-container.ts';
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

export const command: CommandSpec<SelectionFlags & StopFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Ask containers to end, by their stop signal, and kill those that have not ended after a while.',
  examples: ['stop web', 'stop -t 2 web db', 'stop --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    addSelectionFlags(command, 'all that run').option('-i, --ignore', 'containers that are not there are no error');
    addStopFlags(addCidFileFlag(command));
  },
  run(context, operands, flags) {
    const { host, stdout } = context;
    const options = parseStopTimeout(flags);
    const selection = selectContainers(context, operands, flags, ({ status }) => isRunning(status));
    return forEachContainer(context, selection, async ({ shown, id }) => {
      await stopContainer(host, resolveContainer(host, id), options);
      stdout.write(`${shown}\n`);
    });
  },
};
