import { isRunning } from '../engine/container-status.ts';
import { stopContainer } from '../engine/stop-container.ts';
import type { SelectionFlags } from './container-operands.ts';
import { containerVerb } from './container-verb.ts';
import { addStopFlags, addStopSignalFlag, parseStop, type StopFlags } from './flags/stop.ts';

export const command = containerVerb<SelectionFlags & StopFlags>({
  description: 'Ask containers to end, by their stop signal, and kill those that have not ended after a while.',
  examples: ['stop web', 'stop -t 2 web db', 'stop --all'],
  all: 'all that run',
  candidates: ({ status }) => isRunning(status),
  declare(command) {
    command.option('-i, --ignore', 'containers that are not there are no error');
    addStopSignalFlag(addStopFlags(command));
  },
  action(flags) {
    const options = parseStop(flags);
    return (host, container) => stopContainer(host, container, options);
  },
});
