/** Begin the health checks of a container that has just been started. */
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { startTimer } from '../ns/timer.ts';
import { writeHealth } from '../storage/container-health.ts';
import { cleanupProgram } from './cleanup-program.ts';
import type { HealthPlan } from './healthcheck.ts';

/** From now on `healthcheck run` is executed until `pid`, the container's first process, ends. */
export function startHealthTimer(host: Host, id: string, pid: number, plan: HealthPlan): void {
  const { intervalMs, startIntervalMs, startPeriodMs, startup } = plan;
  writeHealth(host, id, {
    ...{ Status: 'starting', FailingStreak: 0, Log: [] },
    ...(startup ? { Startup: { Passes: 0, Failures: 0 } } : {}),
  });
  if (intervalMs === 0) return;
  const soonerMs = startup ? Math.max(startup.intervalMs, 1) : Math.min(intervalMs, Math.max(startIntervalMs, 1));
  startTimer({
    pid,
    name: 'ctr-health',
    firstMs: startup || startPeriodMs > 0 ? soonerMs : intervalMs,
    intervalMs,
    soonerMs,
    args: ownProgram('healthcheck', 'run', '--timer', id),
    env: cleanupProgram(host, id).env,
  });
}
