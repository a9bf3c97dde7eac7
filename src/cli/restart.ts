import { isRunning } from '../engine/container-status.ts';
import { restartContainer } from '../engine/start-existing.ts';
import type { SelectionFlags } from './container-operands.ts';
import { containerVerb } from './container-verb.ts';
import { addStopFlags, addStopSignalFlag, parseStop, type StopFlags } from './flags/stop.ts';

interface RestartFlags extends SelectionFlags, StopFlags {
  readonly running?: boolean;
}

export const command = containerVerb<RestartFlags>({
  description: 'Stop containers and start them again; those that do not run are started.',
  examples: ['restart web', 'restart -t 1 --running'],
  all: 'all, also those that do not run',
  candidates: ({ status }, { running }) => !running || isRunning(status),
  declare(command) {
    command.option('--running', 'all that run');
    addStopSignalFlag(addStopFlags(command));
  },
  meansAll: ({ running }) => running ?? false,
  action(flags) {
    const options = parseStop(flags);
    return (host, container) => restartContainer(host, container, options);
  },
});
