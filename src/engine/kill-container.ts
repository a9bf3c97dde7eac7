/** `ctr kill`: a signal for a container's first process. */
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { signalNumber } from '../linux/signals.ts';
import { updateLife } from '../storage/container-life.ts';
import { readRunningState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer } from '../storage/container-store.ts';
import { recordContainerEvent } from './container-events.ts';
import { readStatus } from './container-status.ts';
import { untilEnded } from './wait-container.ts';

const [sigkill, sigterm] = [9, 15];
/** SIGKILL takes effect at once unless the kernel is stuck in a file system. */
const killPatienceMs = 5000;

/** Throws STATE when it does not run. After SIGKILL it has ended when this returns. */
export async function killContainer(host: Host, container: ContainerRecord, signalName: string): Promise<void> {
  const { id, name } = container;
  const signal = signalNumber(signalName);
  if (signal === undefined) throw new CtrError('USAGE', `unknown signal ${JSON.stringify(signalName)}`);
  if (!readRunningState(host, id)) {
    const status = readStatus(host, id).name;
    throw new CtrError('STATE', `can only kill running containers: ${name} is ${status}`);
  }
  if (signal === sigkill || signal === sigterm) {
    // Whoever ends it by hand does not want its restart policy to bring it back.
    using _lock = lockContainer(host, id);
    updateLife(host, id, { isStopped: true });
  }
  signalContainer(host, id, signal);
  recordContainerEvent(host, container, 'kill', { attributes: { signal: String(signal) } });
  if (signal === sigkill) await untilEnded(host, id, killPatienceMs);
}

/** Quietly nothing when it has ended meanwhile. */
export function signalContainer(host: Host, id: string, signal: number): void {
  const state = readRunningState(host, id);
  if (!state) return;
  try {
    process.kill(state.init.pid, signal);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
