/**
 * What steps of builds have made: `build/steps/<key>.json`, key → layer. The key covers everything that the step read
 * (engine/build/step-key.ts). A record that cannot be read, or whose layer is gone, is no hit and nothing worse.
 */
import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { type Check, natural, object, optional, string } from '../oci/check.ts';
import { digest } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { layout } from './layout.ts';
import { namesIn } from './roots.ts';

export interface BuildStep {
  readonly key: string;
  /** Absent: the step changed nothing. */
  readonly diffId?: Digest;
  /** Of the layer's archive, and on the disk. */
  readonly archiveBytes: number;
  readonly sizeBytes: number;
  /** The instruction, for `builder du`. */
  readonly description: string;
  readonly createdAt: string;
}

const buildStep: Check<BuildStep> = object({
  key: string,
  diffId: optional(digest),
  archiveBytes: natural,
  sizeBytes: natural,
  description: string,
  createdAt: string,
});

export function readBuildStep(host: Host, key: string): BuildStep | undefined {
  const path = layout.buildStep(host, key);
  try {
    const value = readJsonFile(path);
    return value === undefined ? undefined : buildStep(value, path);
  } catch (error) {
    if (error instanceof CtrError) return undefined;
    throw error;
  }
}

/** Not durable: a lost record is a step that is run again. */
export function writeBuildStep(host: Host, step: BuildStep): void {
  mkdirSync(layout.buildSteps(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.buildStep(host, step.key), step);
}

/** Remember that it was used now: `builder prune` takes the oldest first. */
export function touchBuildStep(host: Host, key: string, now: Date): void {
  try {
    utimesSync(layout.buildStep(host, key), now, now);
  } catch {
    // Pruned meanwhile; the layer is held by whoever uses it.
  }
}

export interface ListedStep extends BuildStep {
  readonly usedAt: Date;
}

/** Least recently used first. */
export function listBuildSteps(host: Host): ListedStep[] {
  const steps = namesIn(layout.buildSteps(host)).flatMap((name) => {
    const key = name.replace(/\.json$/, '');
    const step = name.endsWith('.json') ? readBuildStep(host, key) : undefined;
    const stat = step && statSync(layout.buildStep(host, key), { throwIfNoEntry: false });
    return step && stat ? [{ ...step, usedAt: stat.mtime }] : [];
  });
  return steps.sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime());
}

export function removeBuildStep(host: Host, key: string): void {
  rmSync(layout.buildStep(host, key), { force: true });
}
