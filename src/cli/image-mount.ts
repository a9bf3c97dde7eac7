import { mountedImages, mountImage } from '../engine/image-mount.ts';
import { hexOf } from '../oci/digest.ts';
import { listEveryImage, resolveImage } from '../storage/image-store.ts';
import type { CommandSpec } from './command.ts';

interface ImageMountFlags {
  readonly all?: boolean;
}

export const command: CommandSpec<ImageMountFlags> = {
  usage: '[options] [IMAGE...]',
  description: 'Mounts the files of images read-only and prints where; without IMAGE lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(ctr image mount alpine)"\'', 'image mount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'all images');
  },
  run({ host, stdout }, operands, { all }) {
    if (!all && operands.length === 0) {
      stdout.write(
        mountedImages(host)
          .map(({ image, path }) => `${hexOf(image.id)} ${path}\n`)
          .join(''),
      );
      return 0;
    }
    const images = all ? listEveryImage(host) : operands.map((name) => resolveImage(host, name).image);
    for (const image of images) {
      const path = mountImage(host, image);
      stdout.write(images.length === 1 ? `${path}\n` : `${hexOf(image.id)} ${path}\n`);
    }
    return 0;
  },
};
