import { renameExisting } from '../engine/rename-container.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'CONTAINER NAME',
  description: 'Give a container another name; also while it runs.',
  examples: ['rename web web-old'],
  operands: [2, 2],
  async run({ host }, [container = '', name = '']) {
    await renameExisting(host, container, name);
    return 0;
  },
};
