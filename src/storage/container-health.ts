/**
 * What the health checks of a container have found: `containers/<id>/health.json`, in Docker's shape (State.Health of
 * inspect). Written when the container starts and after every check; it stays when the container has ended.
 */
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, type Check, integer, literal, natural, object, optional, string } from '../oci/check.ts';
import { layout } from './layout.ts';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

export interface HealthLogEntry {
  /** RFC 3339. */
  readonly Start: string;
  readonly End: string;
  readonly ExitCode: number;
  readonly Output: string;
}

export interface ContainerHealth {
  readonly Status: HealthStatus;
  readonly FailingStreak: number;
  /** Oldest first; the last few. */
  readonly Log: readonly HealthLogEntry[];
  /** Of the check at the start, while that is asked: how often it has passed in a row, and failed in all. */
  readonly Startup?: { readonly Passes: number; readonly Failures: number };
}

const containerHealth: Check<ContainerHealth> = object({
  Status: literal('starting', 'healthy', 'unhealthy'),
  FailingStreak: natural,
  Log: array(object({ Start: string, End: string, ExitCode: integer, Output: string })),
  Startup: optional(object({ Passes: natural, Failures: natural })),
});

/** Undefined when the container has no health check (or was never started). */
export function readHealth(host: Host, id: string): ContainerHealth | undefined {
  const path = layout.containerHealth(host, id);
  const value = readJsonFile(path);
  return value === undefined ? undefined : containerHealth(value, path);
}

export function writeHealth(host: Host, id: string, health: ContainerHealth): void {
  writeJsonFile(layout.containerHealth(host, id), health, { mode: 0o600 });
}
