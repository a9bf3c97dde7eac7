/** Start storage-worker.ts inside the user namespace and wait for it: copying, chown, where owners are subordinate ids. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { pipe } from '../linux/descriptors.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { startInside } from '../ns/inside.ts';
import type { Step } from '../ns/steps.ts';
import { hasRoot, withCaller } from './container-ids.ts';
import type { StorageJob } from './storage-worker.ts';
import { idMapsFor } from './user-namespace.ts';

export interface JobPlace {
  /** The ids that the job's numbers mean; the user's usual ones when absent, or when these have no root to do it. */
  readonly maps?: IdMaps;
  /** In the user and mount namespace of this process, which has not begun; in new ones when absent. */
  readonly join?: number;
  /** Done there before the job. */
  readonly steps?: readonly Step[];
}

/** Resolves when the job is done; throws its failure. `what` begins the error: `cannot ${what}`. */
export async function runStorageJob(host: Host, what: string, job: StorageJob, place: JobPlace = {}): Promise<void> {
  const [answer, answerIn] = pipe();
  const nothing = openSync('/dev/null', 'r+');
  const opened = new Set([answer, answerIn, nothing]);
  let code: number;
  let text: string;
  try {
    const inside = await startInside({
      maps: place.maps && hasRoot(place.maps) ? withCaller(place.maps, host) : idMapsFor(host),
      ...(place.join === undefined ? {} : { join: place.join }),
      stdio: [nothing, answerIn, 2],
      steps: [
        ...(place.steps ?? []),
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 0 },
        { kind: 'exec', args: ownProgram('storage-worker', JSON.stringify(job)), env: environment(host) },
      ],
    });
    opened.delete(answerIn);
    closeSync(answerIn);
    text = readFileSync(answer, 'utf8').trim();
    code = inside.wait();
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  if (code === 0) return;
  const isFull = /ENOSPC|EDQUOT|no space|over quota/.test(text);
  throw new CtrError(isFull ? 'NO_SPACE' : 'STATE', `cannot ${what}: ${text || `the worker ended with ${code}`}`, {
    hint: isFull ? '`ctr system df` shows what takes space; --root chooses another disk' : undefined,
  });
}

/** Where its code cache is; nothing else of the caller's environment matters to it. */
function environment(host: Host): string[] {
  return ['HOME', 'XDG_CACHE_HOME'].flatMap((name) => (host.env[name] ? [`${name}=${host.env[name]}`] : []));
}
