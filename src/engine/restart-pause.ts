/** The pause before a restart, in which the user may decide otherwise. */

import type { Host } from '../base/host.ts';
import { sleep } from '../base/sleep.ts';
import { isAlive } from '../linux/process-identity.ts';
import { readLife } from '../storage/container-life.ts';
import { readState } from '../storage/container-state.ts';
import { readContainer } from '../storage/container-store.ts';
import type { PlannedRestart } from './restart-policy.ts';

/** After its pause: what to remember with the next run, or undefined when the user has decided otherwise meanwhile. */
export async function waitForRestart(
  host: Host,
  id: string,
  { afterMs, runs }: PlannedRestart,
): Promise<PlannedRestart['runs'] | undefined> {
  await sleep(afterMs);
  return isStillWanted(host, id, runs) ? runs : undefined;
}

function isStillWanted(host: Host, id: string, runs: PlannedRestart['runs']): boolean {
  if (!readContainer(host, id)) return false;
  const state = readState(host, id);
  const life = readLife(host, id);
  return !life.isStopped && life.restarts === runs.restarts - 1 && !(state && isAlive(state.init));
}
