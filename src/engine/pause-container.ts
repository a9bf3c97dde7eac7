/** `ctr pause`, `ctr unpause`: the freezer of the container's cgroup (cgroup-v2 "cgroup.freeze"). */
import { readFileSync, writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { sleep } from '../base/sleep.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer } from '../storage/container-store.ts';
import { recordContainerEvent } from './container-events.ts';
import { readStatus } from './container-status.ts';

/** Returns when no process of it runs any more. */
export async function pauseContainer(host: Host, container: ContainerRecord): Promise<void> {
  using _lock = lockContainer(host, container.id);
  const { name, cgroupPath } = readStatus(host, container.id);
  if (name !== 'running')
    throw new CtrError('STATE', `container ${container.name} is ${name}: only a running one can be paused`);
  if (cgroupPath === undefined) throw noFreezer(container);
  freeze(cgroupPath, '1');
  while (!/^frozen 1$/m.test(readFileSync(`${cgroupPath}/cgroup.events`, 'latin1'))) await sleep(1);
  recordContainerEvent(host, container, 'pause');
}

export function unpauseContainer(host: Host, container: ContainerRecord): void {
  using _lock = lockContainer(host, container.id);
  const { name } = readStatus(host, container.id);
  if (name !== 'paused') throw new CtrError('STATE', `container ${container.name} is ${name}, not paused`);
  unfreeze(host, container.id);
  recordContainerEvent(host, container, 'unpause');
}

/** Signals reach a frozen process only after it thaws (but SIGKILL). */
export function unfreeze(host: Host, id: string): void {
  const cgroupPath = readRunningState(host, id)?.cgroupPath;
  if (cgroupPath !== undefined && readStatus(host, id).name === 'paused') freeze(cgroupPath, '0');
}

function freeze(cgroupPath: string, value: '0' | '1'): void {
  writeFileSync(`${cgroupPath}/cgroup.freeze`, value);
}

const noFreezer = ({ name }: ContainerRecord) =>
  new CtrError('UNSUPPORTED', `container ${name} has no cgroup of its own: it cannot be paused`, {
    hint: 'pausing needs cgroup v2, delegated to you (a systemd user session); `ctr doctor` tells what is missing',
  });
