import type { LogQuery } from '../engine/container-logs.ts';
import { readOutput } from '../engine/journal-logs.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';
import { parseInteger } from './flags/size.ts';
import { parseTime } from './flags/time.ts';
import { logPrinter } from './output/log-printer.ts';

interface LogsFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
  readonly names?: boolean;
  readonly color?: boolean;
  readonly latest?: boolean;
  readonly details?: boolean;
}

export const command: CommandSpec<LogsFlags> = {
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'What the container wrote to its stdout goes to stdout, its stderr to stderr, byte for byte.\nTimes are durations back from now (10m), RFC 3339 (2024-02-03T04:05:06Z), or seconds since 1970.',
  examples: ['logs web', 'logs -f --tail 20 web', 'logs --since 10m -t web'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-f, --follow', 'go on while the container runs')
      .option('-n, --tail <lines>', 'only so many lines from the end; "all"', 'all')
      .option('--since <time>', 'only what was written at this time or later')
      .option('--until <time>', 'only what was written before this time')
      .option('-t, --timestamps', 'put the time in front of each line')
      .option('--names', "put the container's name in front of each line")
      .option('--color', 'one colour for each container')
      .option('-l, --latest', 'of the container that was made last')
      .option('--details', 'accepted for Docker; no attributes are recorded with a line');
  },
  async run(context, names, flags) {
    const query = queryFrom(flags, context.now());
    const containers = namedContainers(context, names, flags);
    const printers = containers.map(({ name }, index) =>
      logPrinter(context, {
        timestamps: flags.timestamps ?? false,
        name: flags.names ? name : undefined,
        color: flags.color ? colors[index % colors.length] : undefined,
      }),
    );
    const jobs = containers.map((container, index) => async () => {
      for await (const frame of readOutput(context.host, container, query)) printers[index]?.(frame);
    });
    if (query.follow) await Promise.all(jobs.map((job) => job()));
    else for (const job of jobs) await job();
    return 0;
  },
};

function queryFrom(flags: LogsFlags, now: Date): LogQuery {
  const { tail } = flags;
  const lines = tail === 'all' || tail === '-1' ? undefined : parseInteger('--tail', tail, 0, Number.MAX_SAFE_INTEGER);
  return {
    follow: flags.follow ?? false,
    tail: lines,
    sinceMs: flags.since === undefined ? undefined : parseTime('--since', flags.since, now),
    untilMs: flags.until === undefined ? undefined : parseTime('--until', flags.until, now),
  };
}

/** SGR: yellow, cyan, green, magenta, blue, red. */
const colors = [33, 36, 32, 35, 34, 31];
