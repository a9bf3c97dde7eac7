import { pauseContainer } from '../engine/pause-container.ts';
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
  description: 'Freeze all processes of containers, until they are unpaused.',
  examples: ['pause web', 'pause --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare: (command) => void addCidFileFlag(addSelectionFlags(command, 'all that run')),
  run(context, operands, flags) {
    const { host, stdout } = context;
    const selection = selectContainers(context, operands, flags, ({ status }) => status.name === 'running');
    return forEachContainer(context, selection, async ({ shown, id }) => {
      await pauseContainer(host, resolveContainer(host, id));
      stdout.write(`${shown}\n`);
    });
  },
};
