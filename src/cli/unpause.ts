import { unpauseContainer } from '../engine/pause-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import {
  addCidFileFlag,
  addSelectionFlags,
  forEachContainer,
  type SelectionFlags,
  selectContainers,
} from './container-operands.ts';

export const command: CommandSpec<SelectionFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Let the processes of paused containers go on.',
  examples: ['unpause web', 'unpause --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare: (command) => void addCidFileFlag(addSelectionFlags(command, 'all that are paused')),
  run(context, operands, flags) {
    const { host, stdout } = context;
    const selection = selectContainers(context, operands, flags, ({ status }) => status.name === 'paused');
    return forEachContainer(context, selection, ({ shown, id }) => {
      unpauseContainer(host, resolveContainer(host, id));
      stdout.write(`${shown}\n`);
    });
  },
};
