/** `ctr init`: all of a start that needs no process (podman-init(1)), so that what is wrong is told before. */
import { writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, lockContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { cgroupFor } from './cgroups.ts';
import { recordContainerEvent } from './container-events.ts';
import { readStatus } from './container-status.ts';
import { planStart } from './start-container.ts';
import { containerToStart } from './start-existing.ts';

/** Returning means that its config.json is the one that a start would use. */
export async function initContainer(host: Host, container: ContainerRecord): Promise<void> {
  using _lock = lockContainer(host, container.id);
  const { name } = readStatus(host, container.id);
  if (name !== 'created') {
    throw new CtrError(
      'STATE',
      `container ${container.name} is ${name}: only one that was never started is initialized`,
    );
  }
  const subject = containerToStart(host, container);
  cgroupFor(host, container.id, subject.request.limits);
  const { config } = await planStart(host, subject);
  writeFileSync(layout.containerConfig(host, container.id), JSON.stringify(config));
  recordContainerEvent(host, container, 'init');
}
