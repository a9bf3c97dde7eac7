import { containerFilter } from '../engine/container-filters.ts';
import { listContainerEntries } from '../engine/container-list.ts';
import { isRunning } from '../engine/container-status.ts';
import { removeExisting } from '../engine/remove-existing.ts';
import { type CommandSpec, collect } from './command.ts';
import { confirm } from './confirm.ts';
import { reportAll } from './container-operands.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter.ts';
import { parseTime } from './flags/time.ts';

interface PruneFlags {
  readonly filter: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<PruneFlags> = {
  usage: '[options]',
  description: 'Remove all containers that do not run. Filters: until, label, label!.',
  examples: ['container prune', 'container prune -f --filter until=24h'],
  operands: [0, 0],
  declare(command) {
    command
      .option('--filter <key=value>', 'only those for which this holds', collect, [])
      .option('-f, --force', 'do not ask');
  },
  async run(context, _operands, flags) {
    const matches = pruneFilter(context, flags.filter);
    if (!flags.force && !confirm(context, 'This will remove all containers that do not run.')) return 0;
    const errors: unknown[] = [];
    for (const entry of listContainerEntries(context.host, { all: true }).entries) {
      if (isRunning(entry.status) || !matches(entry)) continue;
      try {
        const options = { force: false, withDependants: false, volumes: false };
        await removeExisting(context.host, entry.container.id, options);
        context.stdout.write(`${entry.container.id}\n`);
      } catch (error) {
        errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};

function pruneFilter(context: Context, texts: readonly string[]) {
  const filters = parseFilters(texts, ['until', 'label', 'label!']);
  const moments = filters.get('until')?.map((text) => String(parseTime('--filter', text, context.now())));
  return containerFilter(context.host, moments ? new Map([...filters, ['until', moments]]) : filters);
}
