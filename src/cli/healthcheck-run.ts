import { runHealthcheck } from '../engine/healthcheck-run.ts';
import { soonerExitCode } from '../ns/timer.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

interface HealthcheckFlags {
  readonly timer?: boolean;
}

export const command: CommandSpec<HealthcheckFlags> = {
  usage: 'CONTAINER',
  description: 'The exit code is 0 when the check passes, 1 when it fails, and 125 when there is nothing to ask.',
  examples: ['healthcheck run web'],
  operands: [1, 1],
  declare(command) {
    command.hidden('--timer');
  },
  async run({ host, stdout }, [name = ''], flags) {
    const { isPassed, isStarting, health } = await runHealthcheck(host, resolveContainer(host, name));
    if (flags.timer) return isStarting ? soonerExitCode : 0;
    if (!isPassed) stdout.write(`${health.Status}\n`);
    return isPassed ? 0 : 1;
  },
};
