/**
 * What is true of a container only until it ends or the machine restarts: `runRoot/containers/<id>/state.json`.
 * The boot id in it makes every state of an earlier boot "exited" by construction.
 */
import { mkdirSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { isAlive, type ProcessIdentity } from '../linux/process-identity.ts';
import { type Check, natural, object, optional, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import { ensureRunRoot } from './roots.ts';

export interface ContainerState {
  /** The container's first process, as seen from the host. */
  readonly init: ProcessIdentity;
  readonly supervisor?: ProcessIdentity;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Its cgroup's directory on the host; absent when it has none of its own. */
  readonly cgroupPath?: string;
}

export const identity: Check<ProcessIdentity> = object({ bootId: string, pid: natural, startTime: natural });

const containerState: Check<ContainerState> = object({
  init: identity,
  supervisor: optional(identity),
  startedAt: string,
  cgroupPath: optional(string),
});

export function writeState(host: Host, id: string, state: ContainerState): void {
  ensureRunRoot(host);
  mkdirSync(layout.runContainer(host, id), { recursive: true, mode: 0o700 });
  writeJsonFile(statePath(host, id), state, { mode: 0o600 });
}

/** Undefined when it was never started since the boot. */
export function readState(host: Host, id: string): ContainerState | undefined {
  const path = statePath(host, id);
  const value = readJsonFile(path);
  return value === undefined ? undefined : containerState(value, path);
}

/** The state of a container that runs at this moment; undefined for all others. */
export function readRunningState(host: Host, id: string): ContainerState | undefined {
  const state = readState(host, id);
  return state && isAlive(state.init) ? state : undefined;
}

const statePath = (host: Host, id: string) => `${layout.runContainer(host, id)}/state.json`;
