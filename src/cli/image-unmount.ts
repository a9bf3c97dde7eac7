import { CtrError } from '../base/ctr-error.ts';
import { mountedImages, unmountImage } from '../engine/image-mount.ts';
import { hexOf } from '../oci/digest.ts';
import { resolveImage } from '../storage/image-store.ts';
import type { CommandSpec } from './command.ts';

interface ImageUnmountFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

export const command: CommandSpec<ImageUnmountFlags> = {
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Unmounts what `image mount` mounted. All mounts end by themselves with the last program of `unshare`.',
  examples: ['image unmount alpine', 'image unmount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'all that are mounted').option('-f, --force', 'also what is in use');
  },
  run({ host, stdout }, operands, { all, force = false }) {
    if (!all && operands.length === 0) throw new CtrError('USAGE', 'give an image, or --all');
    const named = operands.map((name) => resolveImage(host, name).image);
    for (const image of all ? mountedImages(host).map((one) => one.image) : named) {
      if (!unmountImage(host, image, { force })) {
        throw new CtrError('STATE', `image ${hexOf(image.id).slice(0, 12)} is not mounted`);
      }
      stdout.write(`${hexOf(image.id)}\n`);
    }
    return 0;
  },
};
