/**
 * `ctr ps`: a few small files for each container, read one after the other. No lock is taken, and a container whose
 * files cannot be read becomes a row that says so: it hinders no other.
 */
import type { Host } from '../base/host.ts';
import { type ContainerHealth, readHealth } from '../storage/container-health.ts';
import { type ContainerRecord, containerIds, readContainer } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { namesIn } from '../storage/roots.ts';
import { type ContainerStatus, isRunning, readStatus } from './container-status.ts';
import type { RunRequest } from './run-request.ts';
import { storedRequest } from './stored-request.ts';

export interface ContainerEntry {
  readonly container: ContainerRecord;
  readonly status: ContainerStatus;
  /** Checked when it is first asked for: most listings need it for few containers. */
  readonly request: RunRequest;
  /** Of the last run, if it had a health check. */
  readonly health: ContainerHealth | undefined;
}

export interface BrokenEntry {
  readonly id: string;
  readonly reason: string;
}

export interface ContainerEntries {
  /** Newest first. */
  readonly entries: readonly ContainerEntry[];
  readonly broken: readonly BrokenEntry[];
}

/** `all: false`: only those that run; then nothing of the others is even opened. */
export function listContainerEntries(host: Host, { all }: { readonly all: boolean }): ContainerEntries {
  const entries: ContainerEntry[] = [];
  const broken: BrokenEntry[] = [];
  for (const id of all ? containerIds(host) : startedIds(host)) {
    try {
      const entry = readEntry(host, id);
      if (entry && (all || isRunning(entry.status))) entries.push(entry);
    } catch (error) {
      broken.push({ id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  entries.sort((a, b) => createdMs(b) - createdMs(a));
  return { entries, broken };
}

/** A container that runs has a runtime directory. */
const startedIds = (host: Host) => namesIn(layout.runContainers(host)).filter((name) => /^[0-9a-f]{64}$/.test(name));

function readEntry(host: Host, id: string): ContainerEntry | undefined {
  const container = readContainer(host, id);
  return container && entryOf(host, container);
}

export function entryOf(host: Host, container: ContainerRecord): ContainerEntry {
  let request: RunRequest | undefined;
  return {
    container,
    status: readStatus(host, container.id),
    get request() {
      request ??= storedRequest(container);
      return request;
    },
    get health() {
      return readHealth(host, container.id);
    },
  };
}

export const createdMs = ({ container }: ContainerEntry): number => Date.parse(container.createdAt);
