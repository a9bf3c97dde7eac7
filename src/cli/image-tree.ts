import { humanSize } from '../base/units.ts';
import { imageTree, type TreeLayer } from '../engine/image-tree.ts';
import { shortId } from '../engine/images.ts';
import type { CommandSpec } from './command.ts';

interface ImageTreeFlags {
  readonly whatrequires?: boolean;
}

export const command: CommandSpec<ImageTreeFlags> = {
  usage: '[options] IMAGE',
  description: 'Lowest layer first; behind a layer stand the images that end there.',
  examples: ['image tree alpine'],
  operands: [1, 1],
  declare(command) {
    command.option('--whatrequires', 'show the images that are built on it instead');
  },
  async run({ host, stdout }, [name = ''], { whatrequires }) {
    if (whatrequires) {
      const { imagesBuiltOn } = await import('../engine/image-family.ts');
      const { treeText } = await import('./images-tree.ts');
      stdout.write(treeText([imagesBuiltOn(host, name)]));
      return 0;
    }
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
