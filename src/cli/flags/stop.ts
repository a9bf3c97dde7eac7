/** How a container is asked to end, and how long it is given: -t, --time is Podman's word, --timeout Docker's. */
import type { StopOptions } from '../../engine/stop-container.ts';
import { signalNumber } from '../../linux/signals.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { parseInteger } from './size.ts';

export interface StopFlags {
  readonly time?: string;
  readonly timeout?: string;
  readonly signal?: string;
}

export function addStopFlags(command: FlagSet): FlagSet {
  return command
    .option('-t, --time <seconds>', 'how long to wait before it is killed; -1 for ever')
    .option('--timeout <seconds>', 'the same');
}

/** Docker's; Podman knows the container's own --stop-signal only. */
export function addStopSignalFlag(command: FlagSet): FlagSet {
  return command.option('-s, --signal <signal>', "how to ask it to end, instead of the container's own stop signal");
}

export function parseStop(flags: StopFlags): StopOptions {
  const { signal } = flags;
  const number = signal === undefined ? undefined : signalNumber(signal);
  if (signal !== undefined && number === undefined) throw flagError('--signal', signal, 'there is no such signal');
  return { ...parseStopTimeout(flags), ...(number === undefined ? {} : { signal: number }) };
}

/** Absent: the container's own --stop-timeout. */
export function parseStopTimeout({ time, timeout }: StopFlags): { readonly timeoutMs?: number } {
  const text = time ?? timeout;
  if (text === undefined) return {};
  const seconds = parseInteger('--time', text, -1, 1_000_000_000);
  return { timeoutMs: seconds === -1 ? Number.POSITIVE_INFINITY : seconds * 1000 };
}
