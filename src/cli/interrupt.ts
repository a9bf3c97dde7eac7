/** Ctrl-C and SIGTERM as an abort signal, for commands that have something to undo. */
import { constants } from 'node:os';
import { CtrError } from '../base/ctr-error.ts';

/** Aborts at the first signal, with an error whose exit code is 128 + its number; the second one kills as usual. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      controller.abort(new CtrError('STATE', 'interrupted', { exitCode: 128 + constants.signals[name] }));
    });
  }
  return controller.signal;
}
