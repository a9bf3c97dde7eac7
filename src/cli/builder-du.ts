import { humanDuration, humanSize } from '../base/units.ts';
import { listBuildCache } from '../engine/build/build-cache.ts';
import type { CommandSpec } from './command.ts';
import { formatList } from './output/format.ts';

interface BuilderDuFlags {
  readonly format?: string;
}

export const command: CommandSpec<BuilderDuFlags> = {
  usage: '[options]',
  description: 'One line for each step and cache mount. Fields for --format: .ID .Type .Size .LastUsed .Description.',
  examples: ['builder du', "builder du --format '{{.Size}} {{.Description}}'"],
  operands: [0, 0],
  declare(command) {
    command.option('--format <template>', 'json, or a Go template');
  },
  run({ host, stdout, compat, now }, _operands, { format }) {
    const { steps, mounts } = listBuildCache(host);
    const age = (date: Date) => `${humanDuration(now().getTime() - date.getTime())} ago`;
    const rows = [
      ...steps.map(({ key, sizeBytes, usedAt, description }) => ({
        ...{ ID: key.slice(0, 12), Type: 'step', Size: humanSize(sizeBytes) },
        ...{ LastUsed: age(usedAt), Description: description.slice(0, 60) },
      })),
      ...mounts.map(({ id, usedAt }) => ({
        ...{ ID: id, Type: 'mount', Size: '', LastUsed: age(usedAt), Description: `cache mount ${id}` },
      })),
    ];
    const defaultFormat = 'table {{.ID}}\t{{.Type}}\t{{.Size}}\t{{.LastUsed}}\t{{.Description}}';
    stdout.write(formatList({ name: 'du', rows, defaultFormat }, { format, compat }));
    return 0;
  },
};
