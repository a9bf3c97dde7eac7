import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'IMAGE',
  examples: ['tag alpine alpine:mine', 'tag 3fa112fd3642 registry.example.com/team/app:1.2'],
  operands: [0, Number.POSITIVE_INFINITY],
  async run() {
    return 0;
  },
};
