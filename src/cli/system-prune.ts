import { humanSize } from '../base/units.ts';
import { pruneSystem, type SystemPruned } from '../engine/system-prune.ts';
import { type CommandSpec, collect } from './command.ts';
import { confirm } from './confirm.ts';
import { parsePruneFilters } from './flags/prune.ts';

interface SystemPruneFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly filter: readonly string[];
  readonly force?: boolean;
  readonly volumes?: boolean;
}

export const command: CommandSpec<SystemPruneFlags> = {
  usage: '[options]',
  description:
    'Deletes containers that do not run, networks without containers, images that have no name, and what interrupted commands left. Nothing that is in use goes.',
  examples: ['system prune', 'system prune --all --volumes --force', 'system prune --dry-run'],
  operands: [0, 0],
  declare(command) {
    command
      .option('-a, --all', 'every image that no container uses')
      .option('--dry-run', 'show what would be deleted')
      .option('--filter <key=value>', 'only what this holds for: until, label, label!', collect, [])
      .option('-f, --force', 'do not ask')
      .option('--volumes', 'also the volumes that no container uses');
  },
  async run(context, _operands, flags) {
    const { all: allImages = false, dryRun = false, volumes = false } = flags;
    const filter = parsePruneFilters(flags.filter, context.now());
    if (!flags.force && !dryRun && !confirm(context, warningFor(flags))) return 0;
    const pruned = await pruneSystem(context.host, { ...filter, allImages, volumes, dryRun });
    context.stdout.write(textOf(pruned, dryRun));
    return 0;
  },
};

function warningFor({ all, volumes }: SystemPruneFlags): string {
  const parts = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated with them' : 'all dangling images',
    'what interrupted commands left',
  ];
  return `WARNING! This command removes:\n${parts.map((part) => `\t- ${part}`).join('\n')}\n`;
}

function textOf({ containers, images, volumes, networks, freedBytes }: SystemPruned, dryRun: boolean): string {
  const part = (title: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${dryRun ? 'Would delete' : 'Deleted'} ${title}`, ...names];
  const total = dryRun ? [] : [`Total reclaimed space: ${humanSize(freedBytes)}`];
  const lines = [
    ...part('Containers', containers),
    ...part('Networks', networks),
    ...part('Volumes', volumes),
    ...part('Images', images),
    ...total,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
