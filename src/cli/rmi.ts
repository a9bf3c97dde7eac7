import { CtrError } from '../base/ctr-error.ts';
import { removeImages } from '../engine/image-remove.ts';
import { listStoredImages } from '../engine/images.ts';
import { removeExisting } from '../engine/remove-existing.ts';
import { removeTreeInside } from '../engine/user-namespace.ts';
import { hexOf } from '../oci/digest.ts';
import type { CommandSpec } from './command.ts';

interface RmiFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly ignore?: boolean;
  /** False with --no-prune. */
  readonly prune: boolean;
}

export const command: CommandSpec<RmiFlags> = {
  usage: '[options] IMAGE [IMAGE...]',
  description: 'An image that has more names loses the one that is given; the image goes with its last name.',
  examples: ['rmi alpine', 'rmi --force 3fa112fd3642', 'rmi --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'remove all images')
      .option('-f, --force', 'remove an image with all its names, and the containers that use it')
      .option('-i, --ignore', 'images that are not there are no error')
      .option('--no-prune', 'leave the layers for the next clean-up');
  },
  async run(context, operands, { all, force, ignore, prune }) {
    if (all && operands.length > 0) throw new CtrError('USAGE', 'images and --all exclude each other');
    if (!all && operands.length === 0) throw new CtrError('USAGE', 'image name or ID must be specified');
    const names = all ? listStoredImages(context.host, { isReadOnly: false }).map(({ image }) => image.id) : operands;
    const { host } = context;
    const removed = await removeImages(host, names, {
      force: all || force || false,
      ignore: ignore ?? false,
      keepData: !prune,
      // --all alone leaves images alone that containers use.
      ...(force ? { removeContainer: async ({ id }) => void (await removeExisting(host, id, withEverything)) } : {}),
      removeTree: (path) => removeTreeInside(host, path),
    });
    const lines = [
      ...removed.untagged.map((name) => `Untagged: ${name}\n`),
      ...removed.deleted.map((id) => `Deleted: ${hexOf(id)}\n`),
    ];
    context.stdout.write(lines.join(''));
    if (removed.errors.length > 0) {
      const { reportError } = await import('./report-error.ts');
      for (const error of removed.errors) reportError(error, context);
    }
    return removed.exitCode;
  },
};

const withEverything = { force: true, withDependants: true, volumes: true, timeoutMs: 0 };
