/** `ctr start`: run a container again with what it was created with. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { updateLife } from '../storage/container-life.ts';
import { type ContainerRecord, lockContainer, resolveContainer } from '../storage/container-store.ts';
import { findImage } from '../storage/image-store.ts';
import { recordContainerEvent } from './container-events.ts';
import { readStatus } from './container-status.ts';
import { startAttached } from './follow-container.ts';
import { readConfig } from './images.ts';
import type { RunRequest } from './run-request.ts';
import { type ContainerToStart, startDetached } from './start-container.ts';
import { type StopOptions, stopContainer } from './stop-container.ts';
import { storedRequest } from './stored-request.ts';
import { isUp, untilEnded } from './wait-container.ts';

export function containerToStart(host: Host, container: ContainerRecord): ContainerToStart {
  const request = storedRequest(container);
  if (container.imageId === undefined) return { container, request, defaults: {} };
  const stored = findImage(host, container.imageId);
  if (stored) return { container, request, defaults: readConfig(host, stored.image).config };
  throw new CtrError(
    'NOT_FOUND',
    `the image ${container.imageName ?? container.imageId} of container ${container.name} is gone`,
    {
      hint: `pull it again: \`ctr pull ${container.imageName ?? container.imageId}\``,
    },
  );
}

/** Start it in the background. One that runs is left alone, as Podman and Docker do. */
export async function startExisting(host: Host, container: ContainerRecord): Promise<void> {
  if (await isLeftAlone(host, container)) return;
  const subject = containerToStart(host, container);
  await startRequired(host, container, subject.request);
  await startDetached(host, subject);
}

/** Stop it if it runs, and start it. */
export async function restartContainer(
  host: Host,
  container: ContainerRecord,
  options: StopOptions = {},
): Promise<void> {
  await stopContainer(host, container, options);
  await startExisting(host, container);
  recordContainerEvent(host, container, 'restart');
}

export interface AttachOptions {
  readonly interactive: boolean;
  readonly detachKeys?: string;
  readonly sigProxy: boolean;
}

/** Start it and stay with it; returns its exit code. */
export async function startExistingAttached(
  host: Host,
  container: ContainerRecord,
  { interactive, detachKeys, sigProxy }: AttachOptions,
): Promise<number> {
  if (await isLeftAlone(host, container)) {
    throw new CtrError('STATE', `container ${container.name} is running already`, {
      hint: `\`ctr attach ${container.name}\` attaches to it`,
    });
  }
  const { request, ...subject } = containerToStart(host, container);
  await startRequired(host, container, request);
  const keys = detachKeys === undefined ? {} : { detachKeys };
  return startAttached(host, { ...subject, request: { ...request, interactive, sigProxy, ...keys } });
}

/** One that is about to end is waited for; one that has survived its stop is up again, for its restart policy too. */
async function isLeftAlone(host: Host, container: ContainerRecord): Promise<boolean> {
  const status = readStatus(host, container.id);
  if (status.name !== 'stopping') return isUp(host, container.id);
  if (await untilEnded(host, container.id, storedRequest(container).stopTimeoutMs + killMarginMs)) return false;
  using _lock = lockContainer(host, container.id);
  updateLife(host, container.id, { isStopped: false });
  return true;
}

/** From SIGKILL to the exit on disk, on a busy machine. */
const killMarginMs = 2000;

/** Start what `request` requires, and what that requires, deepest first. */
export async function startRequired(
  host: Host,
  container: ContainerRecord,
  request: RunRequest,
  dependants: readonly string[] = [],
): Promise<void> {
  const chain = [...dependants, container.id];
  for (const name of request.requires) {
    const required = resolveContainer(host, name);
    if (chain.includes(required.id)) {
      throw new CtrError('STATE', `container ${container.name} requires ${required.name}, which requires it in turn`);
    }
    if (await isLeftAlone(host, required)) continue;
    const subject = containerToStart(host, required);
    await startRequired(host, required, subject.request, chain);
    await startDetached(host, subject);
  }
}
