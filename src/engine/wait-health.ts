/** `ctr wait --condition healthy`: whether a container has come to it, and whether it still can. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type HealthStatus, readHealth } from '../storage/container-health.ts';
import { readLife } from '../storage/container-life.ts';
import { resolveContainer } from '../storage/container-store.ts';
import { isRunning, readStatus } from './container-status.ts';
import { defaultsOf, healthPlanFor } from './healthcheck.ts';
import { storedRequest } from './stored-request.ts';

/** Throws for one that would be waited for in vain: nothing checks it, or it has ended for good. */
export function hasHealth(host: Host, id: string, wanted: readonly HealthStatus[]): boolean {
  const container = resolveContainer(host, id);
  const request = storedRequest(container);
  const never = (reason: string, hint: string) =>
    new CtrError('STATE', `container ${container.name} ${reason}: it will not become ${wanted.join(' or ')}`, { hint });
  if (!healthPlanFor(request.health, defaultsOf(host, container))) {
    throw never('has no health check', '--health-cmd of `ctr run` gives it one');
  }
  const status = readStatus(host, id);
  if (isRunning(status)) return wanted.some((health) => health === readHealth(host, id)?.Status);
  const isOver = request.restart.name === 'no' || readLife(host, id).isStopped;
  if (status.name === 'exited' && isOver) throw never('has ended', `\`ctr start ${container.name}\` starts it`);
  return false;
}
