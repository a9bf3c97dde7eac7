import { containerTop, topDescriptors, usualColumns } from '../engine/container-top.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';
import { alignTable, tableShapes } from './output/table.ts';

interface TopFlags {
  readonly latest?: boolean;
}

export const command: CommandSpec<TopFlags> = {
  usage: 'CONTAINER [FORMAT...]',
  description: `Columns are names as in ps(1) -o, separated by commas or spaces: ${topDescriptors.join(', ')},\nor AIX descriptors like %p.`,
  examples: ['top web', 'top web pid,user,args', 'top web huser hpid capeff'],
  operands: [0, Number.POSITIVE_INFINITY],
  passThrough: true,
  declare(command) {
    command.option('-l, --latest', 'of the container that was made last; no CONTAINER is given');
  },
  run(context, operands, { latest = false }) {
    const { host, stdout, compat } = context;
    const [container] = namedContainers(context, latest ? [] : operands.slice(0, 1), { latest });
    if (!container) return 0;
    const { titles, rows } = containerTop(host, container, columnsOf(operands.slice(latest ? 0 : 1), compat));
    const lines = [titles, ...rows].map((cells) => cells.join('\t'));
    stdout.write(`${alignTable(lines, tableShapes[compat]).join('\n')}\n`);
    return 0;
  },
};

const fullFormat = ['uid', 'pid', 'ppid', 'pcpu', 'stime', 'tty', 'time', 'args'];
const userFormat = ['user', 'pid', 'pcpu', 'vsz', 'rss', 'tty', 'state', 'stime', 'time', 'args'];

/** Options of ps(1) that people give to `docker top`: -ef, aux, -o LIST; everything else is a list of columns. */
function columnsOf(words: readonly string[], compat: 'podman' | 'docker'): readonly string[] {
  if (words.length === 0) return compat === 'docker' ? fullFormat : usualColumns;
  if (/^-?[ef]+$/.test(words[0] ?? '') && words.length === 1) return fullFormat;
  if (/^-?a?ux$/.test(words[0] ?? '') && words.length === 1) return userFormat;
  const lists = words.flatMap((word) => (/^-[eAa]*o?$/.test(word) ? [] : [word.replace(/^-[eAa]*o/, '')]));
  return lists.flatMap((list) => list.split(/[,\s]+/)).filter((column) => column !== '');
}
