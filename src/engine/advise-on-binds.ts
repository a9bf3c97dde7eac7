/**
 * A command in a container has failed, and perhaps only because its user may not use a bind mount: say so. The most
 * frequent question of rootless users, answered where it comes up; a command that works is never commented on.
 */
import type { Host } from '../base/host.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { containerIds } from './container-ids.ts';
import { containerProcess, type ExecRequest, processForExec } from './exec-process.ts';
import { explainUse, type InsideUser } from './explain-bind.ts';
import { lowerLayers } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import type { ContainerToStart } from './start-container.ts';
import { storedRequest } from './stored-request.ts';
import { userOf } from './volumes.ts';

/** After `run` or `start --attach`; the container may be gone. */
export function adviseOnRun(host: Host, { container, request, defaults }: ContainerToStart): void {
  advise(host, request, () => {
    const ids = containerIds(host, request);
    const { stack } = lowerLayers(host, container, request.rootfs);
    return { user: userOf({ request, defaults, stack, ids }), maps: ids.maps };
  });
}

/** After `exec`. */
export function adviseOnExec(host: Host, container: ContainerRecord, request: ExecRequest): void {
  const stored = storedRequest(container);
  advise(host, stored, () => {
    const { pid = 0 } = readRunningState(host, container.id)?.init ?? {};
    const { user } = processForExec(containerProcess(host, container.id), request, pid);
    return { user, maps: containerIds(host, stored).maps };
  });
}

function advise(
  host: Host,
  { mounts }: Pick<RunRequest, 'mounts'>,
  facts: () => { readonly user: InsideUser; readonly maps: IdMaps },
): void {
  try {
    const { user, maps } = facts();
    const explanation = explainUse(host, mounts, user, maps);
    if (explanation) host.log.warn(`${explanation.line}\n  hint: ${explanation.hint}`);
  } catch (error) {
    // What was mounted, or the container whose ids were joined, is gone: the command's own exit code is what counts.
    host.log.debug(`no advice on bind mounts: ${error}`);
  }
}
