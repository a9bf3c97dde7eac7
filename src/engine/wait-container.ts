/** Waiting for what a container does: its end for ourselves, any condition for `ctr wait`. */
import type { Host } from '../base/host.ts';
import { sleep } from '../base/sleep.ts';
import type { HealthStatus } from '../storage/container-health.ts';
import { readLife } from '../storage/container-life.ts';
import { readContainer } from '../storage/container-store.ts';
import { readEvents } from '../storage/event-log.ts';
import { isRunning, readStatus, type StatusName } from './container-status.ts';

/** True when it has ended (its exit code is on disk then); false when the time is over. */
export async function untilEnded(host: Host, id: string, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = 1; isRunning(readStatus(host, id)); pauseMs = Math.min(pauseMs * 2, 50)) {
    if (Date.now() >= deadline) return false;
    await sleep(Math.min(pauseMs, Math.max(1, deadline - Date.now())));
  }
  return true;
}

/**
 * Whether it runs its command. A `ctr start` that was killed before it let the first process go leaves one that ends by
 * itself at once (ns/supervisor.ts); one that is at work meanwhile has soon done it.
 */
export async function isUp(host: Host, id: string): Promise<boolean> {
  const deadline = Date.now() + startPatienceMs;
  for (;;) {
    const status = readStatus(host, id);
    if (!isRunning(status)) return false;
    const runsItsCommand = status.pid !== 0 && status.startedAt === readLife(host, id).startedAt;
    if (runsItsCommand || Date.now() > deadline) return true;
    await sleep(5);
  }
}

const startPatienceMs = 300;

/** podman-wait(1) --condition. */
export const waitConditions = [
  ...(['configured', 'created', 'initialized', 'running', 'paused', 'stopping', 'stopped', 'exited'] as const),
  ...(['removing', 'unknown', 'healthy', 'unhealthy'] as const),
];
export type WaitCondition = (typeof waitConditions)[number];

const meaning: Readonly<Record<Exclude<WaitCondition, HealthStatus>, readonly StatusName[]>> = {
  configured: ['created'],
  created: ['created'],
  initialized: [],
  running: ['running', 'stopping'],
  paused: ['paused'],
  stopping: ['stopping'],
  stopped: ['created', 'exited'],
  exited: ['exited'],
  removing: [],
  unknown: [],
};

/** The exit code where the container has ended, -1 where another condition was met, as podman-wait(1) prints it. */
export async function waitForContainer(
  host: Host,
  id: string,
  { conditions, intervalMs }: { readonly conditions: readonly WaitCondition[]; readonly intervalMs: number },
): Promise<number> {
  const wanted = new Set(conditions.flatMap((condition) => (isHealth(condition) ? [] : meaning[condition])));
  const health = conditions.filter(isHealth);
  for (;;) {
    if (!readContainer(host, id)) return lastExitCode(host, id);
    const status = readStatus(host, id);
    if (wanted.has(status.name)) return isRunning(status) ? -1 : status.exitCode;
    if (health.length > 0 && (await import('./wait-health.ts')).hasHealth(host, id, health)) return -1;
    await sleep(intervalMs);
  }
}

const isHealth = (condition: WaitCondition): condition is 'healthy' | 'unhealthy' =>
  condition === 'healthy' || condition === 'unhealthy';

/** A container with --rm is deleted when it ends: only the log of events still knows how. */
function lastExitCode(host: Host, id: string): number {
  const died = readEvents(host).findLast((event) => event.id === id && event.status === 'died');
  return died?.exitCode ?? -1;
}
