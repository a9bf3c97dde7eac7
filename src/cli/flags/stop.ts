/** How long a container is given to end: -t, --time. Podman's word; --timeout is Docker's. */
import type { FlagSet } from '../flag-set.ts';
import { parseInteger } from './size.ts';

export interface StopFlags {
  readonly time?: string;
  readonly timeout?: string;
}

export function addStopFlags(command: FlagSet): FlagSet {
  return command
    .option('-t, --time <seconds>', 'how long to wait before it is killed; -1 for ever')
    .option('--timeout <seconds>', 'the same');
}

/** Absent: the container's own --stop-timeout. */
export function parseStopTimeout({ time, timeout }: StopFlags): { readonly timeoutMs?: number } {
  const text = time ?? timeout;
  if (text === undefined) return {};
  const seconds = parseInteger('--time', text, -1, 1_000_000_000);
  return { timeoutMs: seconds === -1 ? Number.POSITIVE_INFINITY : seconds * 1000 };
}
