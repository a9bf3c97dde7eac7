/** `--restart`: whether a container that has ended is started again, and after which pause. Pure. */
import type { RestartPolicy } from './run-request.ts';

export interface Ending {
  readonly exitCode: number;
  readonly ranMs: number;
  /** The user asked it to end. */
  readonly isStopped: boolean;
  /** How often the policy has started it since the user did. */
  readonly restarts: number;
  /** How often in a row it has ended soon after its start. */
  readonly quickEnds: number;
}

export interface PlannedRestart {
  readonly afterMs: number;
  /** What to remember with the next run. */
  readonly runs: { readonly restarts: number; readonly quickEnds: number };
}

const firstPauseMs = 100;
export const longestRestartPauseMs = 60_000;
/** A run of this length ends a series of failures (Docker's rule). */
const steadyMs = 10_000;

/** Undefined: it stays as it is. The pause doubles with every run that ended soon. */
export function planRestart(policy: RestartPolicy, ending: Ending): PlannedRestart | undefined {
  if (ending.isStopped || !wantsRestart(policy, ending)) return undefined;
  const quickEnds = ending.ranMs >= steadyMs ? 0 : ending.quickEnds;
  return {
    afterMs: Math.min(firstPauseMs * 2 ** Math.min(quickEnds, 20), longestRestartPauseMs),
    runs: { restarts: ending.restarts + 1, quickEnds: quickEnds + 1 },
  };
}

function wantsRestart({ name, maxRetries }: RestartPolicy, { exitCode, restarts }: Ending): boolean {
  switch (name) {
    case 'no':
      return false;
    case 'on-failure':
      return exitCode !== 0 && (maxRetries === 0 || restarts < maxRetries);
    case 'always':
    case 'unless-stopped':
      return true;
    default:
      return name satisfies never;
  }
}
