import { mountedImages, mountImage } from '../engine/image-mount.ts';
import { hexOf } from '../oci/digest.ts';
import { listEveryImage, resolveImage } from '../storage/image-store.ts';
import type { CommandSpec } from './command.ts';
import type { Output } from './context.ts';
import { flagError } from './flags/flag-error.ts';
import { indentedJson } from './output/format.ts';

interface ImageMountFlags {
  readonly all?: boolean;
  readonly format?: string;
}

export const command: CommandSpec<ImageMountFlags> = {
  usage: '[options] [IMAGE...]',
  description: 'Mounts the files of images read-only and prints where; without IMAGE lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(ctr image mount alpine)"\'', 'image mount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'all images').option('--format <format>', 'json');
  },
  run({ host, stdout }, operands, { all, format }) {
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'want json');
    if (!all && operands.length === 0) {
      writeMounts(stdout, mountedImages(host), format);
      return 0;
    }
    const images = all ? listEveryImage(host) : operands.map((name) => resolveImage(host, name).image);
    const mounts = images.map((image) => ({ image, path: mountImage(host, image) }));
    const [only] = mounts;
    if (only !== undefined && mounts.length === 1 && format === undefined) stdout.write(`${only.path}\n`);
    else writeMounts(stdout, mounts, format);
    return 0;
  },
};

function writeMounts(stdout: Output, mounts: ReturnType<typeof mountedImages>, format: string | undefined): void {
  const rows = mounts.map(({ image, path }) => ({ id: hexOf(image.id), mountpoint: path }));
  if (format === 'json') stdout.write(indentedJson(rows));
  else stdout.write(rows.map(({ id, mountpoint }) => `${id} ${mountpoint}\n`).join(''));
}
