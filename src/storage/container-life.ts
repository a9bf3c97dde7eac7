/**
 * What has to be known of a container's past runs, also after a reboot: `containers/<id>/life.json`. Written by whoever
 * holds the container's lock; without the file it was never started.
 */
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { boolean, type Check, natural, object, optional, string } from '../oci/check.ts';
import { layout } from './layout.ts';

export interface ContainerLife {
  /** RFC 3339: when it was started last. */
  readonly startedAt?: string;
  /** How often its restart policy has started it since the user did. */
  readonly restarts: number;
  /** How often in a row it has ended soon after its start. */
  readonly quickEnds: number;
  /** The user asked it to end: its restart policy leaves it alone. */
  readonly isStopped: boolean;
  /** The kernel killed it because its memory limit was reached. */
  readonly oomKilled: boolean;
  /** Why it could not be started again when nobody was there to be told. */
  readonly error?: string;
}

const containerLife: Check<ContainerLife> = object({
  startedAt: optional(string),
  restarts: natural,
  quickEnds: natural,
  isStopped: boolean,
  oomKilled: boolean,
  error: optional(string),
});

const unborn: ContainerLife = { restarts: 0, quickEnds: 0, isStopped: false, oomKilled: false };

export function readLife(host: Host, id: string): ContainerLife {
  const path = layout.containerLife(host, id);
  const value = readJsonFile(path);
  return value === undefined ? unborn : containerLife(value, path);
}

/** A new run begins: what was said of the last one no longer holds. */
export function beginLife(
  host: Host,
  id: string,
  life: Pick<ContainerLife, 'startedAt' | 'restarts' | 'quickEnds'>,
): void {
  writeLife(host, id, { ...life, isStopped: false, oomKilled: false });
}

/** Change some members; the caller holds the container's lock. */
export function updateLife(host: Host, id: string, change: Partial<ContainerLife>): void {
  writeLife(host, id, { ...readLife(host, id), ...change });
}

const writeLife = (host: Host, id: string, life: ContainerLife) =>
  writeJsonFile(layout.containerLife(host, id), life, { mode: 0o600 });
