import { removeTags } from '../engine/images.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'IMAGE [NAME...]',
  description: 'Takes all names away when none is given. The image stays; it is then found by its ID.',
  examples: ['untag alpine:mine', 'untag 3fa112fd3642 alpine:3.19 alpine:3'],
  operands: [1, Number.POSITIVE_INFINITY],
  run({ host }, [image = '', ...names]) {
    removeTags(host, image, names);
    return 0;
  },
};
