/** What a container is doing, told from its files alone: no lock is taken, nothing is asked of a running process. */
import { readFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { humanDuration } from '../base/units.ts';
import { isAlive } from '../linux/process-identity.ts';
import { readExit } from '../storage/container-exit.ts';
import { type ContainerLife, readLife } from '../storage/container-life.ts';
import { type ContainerState, readState } from '../storage/container-state.ts';

/** Podman's words (podman-ps(1) "--filter status"). */
export type StatusName = 'created' | 'running' | 'paused' | 'stopping' | 'exited';

export interface ContainerStatus {
  readonly name: StatusName;
  /** As the host sees it; 0 unless it runs. */
  readonly pid: number;
  /** Of the run that ended last; 0 before. */
  readonly exitCode: number;
  /** RFC 3339; absent when it was never started. */
  readonly startedAt?: string;
  /** RFC 3339; absent while it runs, and when nobody saw the end. */
  readonly finishedAt?: string;
  /** How often its restart policy has started it. */
  readonly restarts: number;
  readonly oomKilled: boolean;
  /** It ended with nobody watching (its supervisor was killed, or the machine stopped): 137 is a guess. */
  readonly isLost: boolean;
  /** It runs, but its supervisor was killed: its output and its end will not be recorded. */
  readonly isUnsupervised: boolean;
  readonly cgroupPath?: string;
  /** Why its restart policy could not start it. */
  readonly error?: string;
}

export function readStatus(host: Host, id: string): ContainerStatus {
  const life = readLife(host, id);
  const state = readState(host, id);
  if (state && isAlive(state.init)) return liveStatus(state, life);
  const ended = endedStatus(host, id, life, state);
  // Its first process is gone, its supervisor still collects the last output.
  const isEnding = ended.isLost && state?.supervisor !== undefined && isAlive(state.supervisor);
  return isEnding ? { ...ended, name: 'stopping', isLost: false, exitCode: 0 } : ended;
}

/** Whether its first process exists, in whatever state. */
export const isRunning = ({ name }: ContainerStatus): boolean =>
  name === 'running' || name === 'paused' || name === 'stopping';

function liveStatus(state: ContainerState, life: ContainerLife): ContainerStatus {
  const name = isFrozen(state) ? 'paused' : life.isStopped ? 'stopping' : 'running';
  return {
    ...common(life),
    name,
    pid: state.init.pid,
    exitCode: 0,
    startedAt: state.startedAt,
    isLost: false,
    isUnsupervised: state.supervisor !== undefined && !isAlive(state.supervisor),
    ...(state.cgroupPath === undefined ? {} : { cgroupPath: state.cgroupPath }),
  };
}

function endedStatus(host: Host, id: string, life: ContainerLife, state: ContainerState | undefined): ContainerStatus {
  const startedAt = state?.startedAt ?? life.startedAt;
  const exit = readExit(host, id);
  const isLost = startedAt !== undefined && exit === undefined;
  return {
    ...common(life),
    name: startedAt === undefined && exit === undefined ? 'created' : 'exited',
    pid: 0,
    exitCode: exit?.exitCode ?? (isLost ? 137 : 0),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(exit ? { finishedAt: exit.finishedAt } : {}),
    isLost,
    isUnsupervised: false,
  };
}

const common = ({ restarts, oomKilled, error }: ContainerLife) => ({
  restarts,
  oomKilled,
  ...(error === undefined ? {} : { error }),
});

/** cgroup-v2 "cgroup.freeze". */
function isFrozen({ cgroupPath }: ContainerState): boolean {
  if (cgroupPath === undefined) return false;
  try {
    return readFileSync(`${cgroupPath}/cgroup.freeze`, 'latin1').trim() === '1';
  } catch {
    return false; // No freezer, or the cgroup has just gone with its container.
  }
}

/** The column STATUS of `ps`: `Up 3 seconds`, `Exited (0) 5 minutes ago`. */
export function statusText(status: ContainerStatus, now: Date, compat: 'podman' | 'docker' = 'podman'): string {
  const since = (time: string | undefined) =>
    time === undefined ? undefined : humanDuration(Math.max(0, now.getTime() - Date.parse(time)));
  switch (status.name) {
    case 'created':
      return 'Created';
    case 'running':
    case 'stopping':
      return `Up ${since(status.startedAt) ?? ''}`;
    case 'paused':
      return compat === 'docker' ? `Up ${since(status.startedAt) ?? ''} (Paused)` : 'Paused';
    case 'exited': {
      const ago = since(status.finishedAt);
      return `Exited (${status.exitCode}) ${ago === undefined ? '(nobody saw when)' : `${ago} ago`}`;
    }
    default:
      return status.name satisfies never;
  }
}
