/** `ctr stop`: ask, wait, kill. */
import { readFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { signalNumber } from '../linux/signals.ts';
import { updateLife } from '../storage/container-life.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer, readContainer } from '../storage/container-store.ts';
import { findImage } from '../storage/image-store.ts';
import { recordContainerEvent } from './container-events.ts';
import { isRunning, readStatus } from './container-status.ts';
import { finishContainer } from './finish-container.ts';
import { readConfig } from './images.ts';
import { signalContainer } from './kill-container.ts';
import { unfreeze } from './pause-container.ts';
import { requestIfWhole } from './stored-request.ts';
import { untilEnded } from './wait-container.ts';

export interface StopOptions {
  /** How long to wait before SIGKILL; its own --stop-timeout when absent. Infinity: for ever. */
  readonly timeoutMs?: number;
  /** Instead of its own --stop-signal. */
  readonly signal?: number;
}

/** podman-stop(1) --time. */
const defaultStopTimeoutMs = 10_000;

/** End it, and keep its restart policy from starting it again. One that does not run is left as it is. */
export async function stopContainer(host: Host, container: ContainerRecord, options: StopOptions = {}): Promise<void> {
  const { id } = container;
  markStopped(host, id);
  if (!isRunning(readStatus(host, id))) return;
  unfreeze(host, id);
  const [sigkill, sigterm] = [9, 15];
  const signal = options.signal ?? signalNumber(stopSignalOf(host, container)) ?? sigterm;
  const wantedMs = options.timeoutMs ?? requestIfWhole(container)?.stopTimeoutMs ?? defaultStopTimeoutMs;
  const timeoutMs = canReceive(host, id, signal) ? wantedMs : 0;
  if (timeoutMs > 0) signalContainer(host, id, signal);
  if (timeoutMs === 0 || !(await untilEnded(host, id, timeoutMs))) {
    if (timeoutMs > 0) {
      host.log.warn(
        `container ${container.name} did not end within ${timeoutMs / 1000} s of signal ${signal}: it was killed`,
      );
    }
    signalContainer(host, id, sigkill);
    await untilEnded(host, id);
  }
  recordContainerEvent(host, container, 'stop');
  await finishContainer(host, container);
}

function markStopped(host: Host, id: string): void {
  using _lock = lockContainer(host, id);
  if (readContainer(host, id)) updateLife(host, id, { isStopped: true });
}

function stopSignalOf(host: Host, container: ContainerRecord): string {
  const own = requestIfWhole(container)?.stopSignal;
  if (own !== undefined) return own;
  const image = container.imageId === undefined ? undefined : findImage(host, container.imageId)?.image;
  return (image && readConfig(host, image).config.StopSignal) || 'SIGTERM';
}

/**
 * The kernel drops a signal to the first process of a PID namespace that has no handler for it (pid_namespaces(7)):
 * `sleep` as pid 1 never hears of SIGTERM, and to wait for its answer would be in vain. A blocked signal may be waited
 * for by sigwait(3); an ignored one was ignored on purpose, by a process that may have its reasons to be given time.
 */
function canReceive(host: Host, id: string, signal: number): boolean {
  const state = readRunningState(host, id);
  if (!state) return false;
  try {
    const status = readFileSync(`/proc/${state.init.pid}/status`, 'latin1');
    if (!/^NSpid:.*\s1$/m.test(status)) return true;
    const bit = 1n << BigInt(signal - 1);
    const masks = ['SigBlk', 'SigIgn', 'SigCgt'].map((name) =>
      new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status),
    );
    return masks.some((mask) => (BigInt(`0x${mask?.[1] ?? '0'}`) & bit) !== 0n);
  } catch {
    return false; // It has ended meanwhile.
  }
}
