import { CtrError } from '../base/ctr-error.ts';
import { updateContainer } from '../engine/update-container.ts';
import type { CommandSpec } from './command.ts';
import { reportAll } from './container-operands.ts';
import { parseRestart } from './flags/container.ts';
import { addHealthFlags, type HealthOptions, parseHealthChange } from './flags/health.ts';
import { addLimitFlags, type LimitOptions, parseLimits } from './flags/limits.ts';

interface UpdateFlags extends LimitOptions, HealthOptions {
  readonly restart?: string;
}

export const command: CommandSpec<UpdateFlags> = {
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Limits change at once where the container runs, and stay for later starts. A health check changes at once, too, but its\nintervals and where there was none before: with the next start.',
  examples: [
    'update --memory 512m web',
    'update --cpus 1.5 --pids-limit 100 web',
    'update --restart always --health-retries 5 web',
  ],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    addLimitFlags(command);
    addHealthFlags(command);
    command.option('--restart <policy>', 'no, on-failure[:TIMES], always, unless-stopped');
  },
  run(context, names, flags) {
    const limits = parseLimits(flags);
    const restart = flags.restart === undefined ? undefined : parseRestart(flags.restart);
    const health = parseHealthChange(flags, process.cwd());
    if (!limits && !restart && !health) {
      throw new CtrError('USAGE', 'nothing to change: name a limit, --restart or --health-…');
    }
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        context.stdout.write(`${updateContainer(context.host, name, { limits, restart, health }).id}\n`);
      } catch (error) {
        errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};
