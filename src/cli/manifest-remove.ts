import { removeMember } from '../engine/manifest-list.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'LIST IMAGE',
  description: 'IMAGE is a digest, or an image that is stored here. Prints the digest.',
  examples: ['manifest remove app:1 app:1-arm'],
  operands: [2, 2],
  run({ host, stdout }, [list = '', image = '']) {
    stdout.write(`${removeMember(host, list, image).digest}\n`);
    return 0;
  },
};
