/** `ctr attach`: what a container that runs in the background writes and reads, here. */
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { attachTerminal } from './attach-terminal.ts';
import { connectToContainer } from './connect-container.ts';
import { readStatus } from './container-status.ts';
import { forwardSignals } from './signal-proxy.ts';
import { storedRequest } from './stored-request.ts';
import { untilEnded } from './wait-container.ts';

export interface AttachOptions {
  readonly input: boolean;
  readonly sigProxy: boolean;
  /** Absent: those that the container was made with. */
  readonly detachKeys?: string | undefined;
}

/** Returns the container's exit code, or 0 when the user left it. */
export async function attachContainer(host: Host, container: ContainerRecord, options: AttachOptions): Promise<number> {
  const { id, name } = container;
  const state = readRunningState(host, id);
  if (!state)
    throw new CtrError('STATE', `container ${name} is not running`, { hint: `\`ctr start -a ${name}\` starts it` });
  const request = storedRequest(container);
  const directory = layout.runContainer(host, id);
  const connection = connect(directory, name);
  if (options.sigProxy && !request.tty) forwardSignals(() => state.init.pid);
  const outcome = await attachTerminal({
    directory,
    connection,
    detachKeys: options.detachKeys ?? request.detachKeys,
    input: options.input && (request.tty || request.interactive),
    terminal: request.tty,
  });
  if (outcome === 'detached') return 0;
  if (outcome !== 'lost') return outcome;
  await untilEnded(host, id);
  const status = readStatus(host, id);
  return status.name === 'exited' ? status.exitCode : 137;
}

function connect(directory: string, name: string): number {
  try {
    return connectToContainer(directory);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw new CtrError(
      'STATE',
      `container ${name} cannot be attached to: its output goes straight to the \`ctr run\` that started it`,
      {
        cause,
        hint: 'start it with --detach, or without --rm',
      },
    );
  }
}
