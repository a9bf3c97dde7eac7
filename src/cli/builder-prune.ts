import { humanSize, parseDuration } from '../base/units.ts';
import { pruneBuildCache } from '../engine/build/build-cache.ts';
import type { CommandSpec } from './command.ts';
import { confirm } from './confirm.ts';
import { parseSize } from './flags/size.ts';

interface BuilderPruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly keepStorage?: string;
  readonly until?: string;
}

export const command: CommandSpec<BuilderPruneFlags> = {
  usage: '[options]',
  description: 'The next build runs its steps again. Images stay as they are; with --all the cache mounts go too.',
  examples: ['builder prune -f', 'builder prune -f --all', 'builder prune -f --until 240h --keep-storage 2g'],
  operands: [0, 0],
  declare(command) {
    command
      .option('-a, --all', 'cache mounts too')
      .option('-f, --force', 'do not ask')
      .option('--keep-storage <size>', 'keep what was used last, up to this size')
      .option('--until <duration>', 'only what was not used for so long');
  },
  async run(context, _operands, { all, force, keepStorage, until }) {
    if (!force && !confirm(context, 'This will remove what builds have kept.')) return 0;
    const { steps, mounts, bytes } = await pruneBuildCache(context.host, {
      all: all ?? false,
      ...(until === undefined ? {} : { before: new Date(context.now().getTime() - (parseDuration(until) ?? 0)) }),
      ...(keepStorage === undefined ? {} : { keepBytes: parseSize('--keep-storage', keepStorage) }),
    });
    context.stdout.write(`Steps: ${steps}, cache mounts: ${mounts}, reclaimed: ${humanSize(bytes)}\n`);
    return 0;
  },
};
