import { CtrError } from '../base/ctr-error.ts';
import { updateContainer } from '../engine/update-container.ts';
import type { CommandSpec } from './command.ts';
import { reportAll } from './container-operands.ts';
import { parseRestart } from './flags/container.ts';
import { addLimitFlags, type LimitOptions, parseLimits } from './flags/limits.ts';

interface UpdateFlags extends LimitOptions {
  readonly restart?: string;
}

export const command: CommandSpec<UpdateFlags> = {
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Limits change at once where the container runs, and stay for later starts.',
  examples: ['update --memory 512m web', 'update --cpus 1.5 --pids-limit 100 web', 'update --restart always web'],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    addLimitFlags(command);
    command.option('--restart <policy>', 'no, on-failure[:TIMES], always, unless-stopped');
  },
  run(context, names, flags) {
    const limits = parseLimits(flags);
    const restart = flags.restart === undefined ? undefined : parseRestart(flags.restart);
    if (!limits && !restart) throw new CtrError('USAGE', 'nothing to change: name a limit or --restart');
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        context.stdout.write(`${updateContainer(context.host, name, { limits, restart }).id}\n`);
      } catch (error) {
        errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};
