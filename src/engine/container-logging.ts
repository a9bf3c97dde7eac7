/** `--log-driver`: where the output of a container goes that is about to start. */
import { accessSync, constants, fstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { LaunchRequest } from '../ns/launch.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import type { LogRequest, RunRequest } from './run-request.ts';

export interface OutputPlan {
  readonly output: LaunchRequest['output'];
  readonly log: LaunchRequest['log'];
  /** Once it runs; `startedAt` names the run. */
  readonly begin?: (startedAt: string) => Promise<void>;
}

/** `usual`: what the caller would do with the output when no driver said otherwise. */
export async function outputPlanFor(
  host: Host,
  container: ContainerRecord,
  { logging, tty }: RunRequest,
  usual: LaunchRequest['output'],
): Promise<OutputPlan> {
  const log = usual === 'capture' || tty ? framedLog(host, container.id, logging) : undefined;
  switch (logging.driver) {
    case 'framed':
      return { output: usual, log };
    case 'none':
      return { output: usual, log: undefined };
    case 'passthrough':
      refuseTerminal(logging, tty || [1, 2].some(isTerminalLike));
      return { output: 'inherit', log: undefined };
    case 'journald': {
      refuseTerminal(logging, tty);
      const { journalName, journalStreams } = await import('./journal.ts');
      if (usual === 'capture') host.log.info(`the output of ${container.name} goes to the journal`);
      return { output: journalStreams(journalName(container, logging)), log: undefined };
    }
    case 'json-file':
    case 'k8s-file': {
      if (logging.path !== undefined) checkWritable(logging.path);
      const { startTextLog } = await import('./text-log.ts');
      const begin = (startedAt: string) => startTextLog(host, container.id, startedAt, logging);
      return { output: 'capture', log: framedLog(host, container.id, logging), begin };
    }
    default:
      return logging.driver satisfies never;
  }
}

/** A character device that is none of the memory devices (/dev/null; kernel admin-guide/devices.txt). */
function isTerminalLike(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isCharacterDevice() && status.rdev >> 8 !== 1;
}

const framedLog = (host: Host, id: string, { maxBytes, maxFiles }: LogRequest) => ({
  path: layout.containerLog(host, id),
  maxBytes,
  maxFiles,
});

/** The follower has nobody to complain to: what it cannot write is refused here. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new CtrError('DENIED', `--log-opt path=${path}: its directory cannot be written to`, { cause });
  }
}

function refuseTerminal({ driver }: LogRequest, isTerminal: boolean): void {
  if (!isTerminal) return;
  throw new CtrError('USAGE', `--log-driver ${driver} needs an output that is no terminal`, {
    hint: 'leave out -t, and send the output to a file, a pipe or the journal',
  });
}
