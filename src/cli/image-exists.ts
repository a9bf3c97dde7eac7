import { imageExists } from '../engine/images.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'IMAGE',
  description: 'Exits with 0 when the image is stored here and with 1 when it is not; prints nothing.',
  examples: ['image exists alpine', 'image exists 3fa112fd3642 || echo missing'],
  operands: [1, 1],
  run: ({ host }, [image = '']) => (imageExists(host, image) ? 0 : 1),
};
