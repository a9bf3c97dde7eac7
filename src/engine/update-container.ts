/** `ctr update`: new limits hold at once for a running container, and for every later start of it. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { applySettings } from '../ns/cgroup.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer, replaceRequest, resolveContainer } from '../storage/container-store.ts';
import { settingsFor } from './cgroup-limits.ts';
import { cgroupFor } from './cgroups.ts';
import type { HealthRequest, RestartPolicy } from './run-request.ts';
import type { LimitsRequest } from './sandbox-request.ts';
import { storedRequest } from './stored-request.ts';

export interface Update {
  readonly limits?: LimitsRequest | undefined;
  readonly restart?: RestartPolicy | undefined;
  readonly health?: Partial<HealthRequest> | undefined;
}

/** The kernel first: what it refuses is not recorded. */
export function updateContainer(host: Host, nameOrId: string, { limits, restart, health }: Update): ContainerRecord {
  const { id } = resolveContainer(host, nameOrId);
  using _lock = lockContainer(host, id);
  const container = resolveContainer(host, id);
  const request = storedRequest(container);
  if (limits) {
    const all = { ...request.limits, ...limits };
    cgroupFor(host, id, all);
    applyNow(host, container, settingsFor({ ...(all.memory === undefined ? {} : { memory: all.memory }), ...limits }));
  }
  return replaceRequest(host, container, {
    ...request,
    ...(limits ? { limits: { ...request.limits, ...limits } } : {}),
    ...(restart ? { restart } : {}),
    ...(health ? { health: { ...request.health, ...health } } : {}),
  });
}

function applyNow(host: Host, container: ContainerRecord, settings: ReturnType<typeof settingsFor>): void {
  const state = readRunningState(host, container.id);
  if (!state) return;
  if (state.cgroupPath !== undefined) return applySettings(state.cgroupPath, settings);
  throw new CtrError('STATE', `container ${container.name} runs without a control group`, {
    hint: 'it was started with --cgroups=disabled, or no limits could be applied then; stop it first',
  });
}
