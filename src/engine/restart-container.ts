/** Starting a container again as its restart policy says (restart-policy.ts), by whoever saw its end. */
import type { Host } from '../base/host.ts';
import { updateLife } from '../storage/container-life.ts';
import { lockContainer, readContainer } from '../storage/container-store.ts';
import { cleanupProgram } from './cleanup-program.ts';
import { finishContainer } from './finish-container.ts';
import { waitForRestart } from './restart-pause.ts';
import type { PlannedRestart } from './restart-policy.ts';
import { startDetached } from './start-container.ts';
import { containerToStart } from './start-existing.ts';

/** `ctr container cleanup`: the supervisor's last act when nobody waited for the container. */
export async function cleanUpContainer(host: Host, id: string): Promise<void> {
  const { restart } = await finishContainer(host, { id });
  if (!restart) return;
  if (restart.afterMs > longestInMemoryMs) pauseOutsideOfNode(host, id, restart);
  await restartAfterPause(host, id, restart);
}

/** As the second half of cleanUpContainer. */
export async function restartAfterPause(host: Host, id: string, restart: PlannedRestart): Promise<void> {
  const runs = await waitForRestart(host, id, restart);
  const container = runs && readContainer(host, id);
  if (!container) return;
  try {
    await startDetached(host, { ...containerToStart(host, container), runs });
  } catch (error) {
    using _lock = lockContainer(host, id);
    if (readContainer(host, id)) updateLife(host, id, { ...runs, error: messageOf(error) });
    throw error;
  }
}

/** A Node of 40 MB may wait this long; a shell of 1 MB waits for the rest. */
const longestInMemoryMs = 1000;

/** Does not return: this process becomes a shell, which becomes `ctr container cleanup` again. */
function pauseOutsideOfNode(host: Host, id: string, { afterMs, runs }: PlannedRestart): void {
  const { args, env } = cleanupProgram(host, id);
  const again = [...args, `--restarts=${runs.restarts}`, `--quick-ends=${runs.quickEnds}`];
  const script = 'sleep "$1"; shift; exec "$@"';
  const pairs = env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
  process.execve?.('/bin/sh', ['sh', '-c', script, 'ctr-restart', String(afterMs / 1000), ...again], {
    ...Object.fromEntries(pairs),
  });
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
