import { humanSize } from '../base/units.ts';
import { pruneImages } from '../engine/image-remove.ts';
import { removeTreeInside } from '../engine/user-namespace.ts';
import { hexOf } from '../oci/digest.ts';
import { type CommandSpec, collect } from './command.ts';
import { confirm } from './confirm.ts';
import { parsePruneFilters } from './flags/prune.ts';

interface ImagePruneFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly filter: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<ImagePruneFlags> = {
  usage: '[options]',
  description: 'Deletes images that have no name, with --all every image that no container uses. Prints their IDs.',
  examples: ['image prune', 'image prune --all --force --filter until=240h'],
  operands: [0, 0],
  declare(command) {
    command
      .option('-a, --all', 'every image that no container uses')
      .option('--dry-run', 'show what would be deleted')
      .option('--filter <key=value>', 'only images for which this holds: until, label, label!', collect, [])
      .option('-f, --force', 'do not ask');
  },
  async run(context, _operands, flags) {
    const filter = parsePruneFilters(flags.filter, context.now());
    const which = flags.all ? 'all images without at least one container associated with them' : 'all dangling images';
    const { all = false, dryRun = false } = flags;
    if (!flags.force && !dryRun && !confirm(context, `WARNING! This command removes ${which}.`)) return 0;
    const removeTree = (path: string) => removeTreeInside(context.host, path);
    const pruned = await pruneImages(context.host, { all, filter, removeTree, dryRun });
    context.stdout.write(pruned.deleted.map((id) => `${hexOf(id)}\n`).join(''));
    if (context.compat === 'docker') context.stdout.write(`Total reclaimed space: ${humanSize(pruned.freedBytes)}\n`);
    return 0;
  },
};
