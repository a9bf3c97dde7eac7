import { humanSize } from '../base/units.ts';
import { imageTree, type TreeLayer } from '../engine/image-tree.ts';
import { shortId } from '../engine/images.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'IMAGE',
  description: 'Lowest layer first; behind a layer stand the images that end there.',
  examples: ['image tree alpine'],
  operands: [1, 1],
  run({ host, stdout }, [name = '']) {
    const { id, names, sizeBytes, layers } = imageTree(host, name);
    const head = [`Image ID: ${shortId(id)}`, `Tags:     ${names.join(' ')}`, `Size:     ${humanSize(sizeBytes)}`];
    const lines = layers.map((layer, at) => `${at === layers.length - 1 ? '└──' : '├──'} ${lineOf(layer)}`);
    stdout.write([...head, 'Image Layers', ...lines].map((line) => `${line}\n`).join(''));
    return 0;
  },
};

function lineOf({ diffId, sizeBytes, names }: TreeLayer): string {
  const size = sizeBytes === undefined ? 'not unpacked' : humanSize(sizeBytes);
  return `ID: ${shortId(diffId)} Size: ${size}${names.length > 0 ? ` Top Layer of: [${names.join(' ')}]` : ''}`;
}
