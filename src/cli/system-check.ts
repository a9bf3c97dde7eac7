import { checkSystem, type Problem } from '../engine/system-check.ts';
import type { CommandSpec } from './command.ts';
import { formatList } from './output/format.ts';

interface SystemCheckFlags {
  readonly format?: string;
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly repair?: boolean;
}

export const command: CommandSpec<SystemCheckFlags> = {
  usage: '[options]',
  description:
    'Exits with 0 when the store is sound, or was made so, and with 1 when a problem is left. Images, containers, volumes,\nnetworks and secrets are looked at. Repairing deletes only what cannot be used and can be pulled again, and what was\nnever finished; containers, volumes and secrets that somebody made are never touched.',
  examples: ['system check', 'system check --repair', 'system check --json'],
  operands: [0, 0],
  declare(command) {
    command
      .option('--format <template>', 'json, or a Go template')
      .option('--json', 'the same as --format json')
      .option('-q, --quick', 'do not read the content of every blob')
      .option('-r, --repair', 'delete what is damaged');
  },
  async run({ host, stdout, compat }, _operands, flags) {
    const problems = await checkSystem(host, { repair: flags.repair ?? false, quick: flags.quick ?? false });
    const format = flags.json ? 'json' : flags.format;
    const rows = problems.map(rowOf);
    const text = formatList({ name: 'check', rows, defaultFormat }, { format, compat });
    stdout.write(problems.length === 0 && format === undefined ? 'The store is sound.\n' : text);
    return problems.every(({ isRepaired }) => isRepaired) ? 0 : 1;
  },
};

const defaultFormat = 'table {{.Kind}}\t{{.Repaired}}\t{{.Path}}\t{{.Message}}';

const rowOf = ({ kind, path, message, isRepaired }: Problem) => ({
  Kind: kind,
  Path: path,
  Message: message,
  Repaired: isRepaired,
});
