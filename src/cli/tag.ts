import { addTags } from '../engine/images.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'IMAGE NAME [NAME...]',
  description: 'A name without a tag gets the tag latest. A name that another image has moves to this one.',
  examples: ['tag alpine alpine:mine', 'tag 3fa112fd3642 registry.example.com/team/app:1.2'],
  operands: [2, Number.POSITIVE_INFINITY],
  async run({ host }, [image = '', ...names]) {
    await addTags(host, image, names);
    return 0;
  },
};
