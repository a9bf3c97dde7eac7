/**
 * The second Node for work on files of subordinate ids: it runs inside the user namespace, where their owners are at
 * home, does one job and ends. storage-job.ts starts it; nothing of a container runs beside it.
 */
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { array, boolean, literal, natural, object, parseJson, string } from '../oci/check.ts';
import { flattenLayers } from '../storage/drivers/vfs.ts';
import { withDirectoryInLayers } from '../storage/layer-file.ts';

export type StorageJob =
  /** Copy what `path` is in the stack `layers` (uppermost first) into the directory `target`. */
  | {
      readonly op: 'copy';
      readonly layers: readonly string[];
      readonly path: string;
      readonly target: string;
      /** Leave the target's own owner and mode. */
      readonly contentOnly: boolean;
    }
  /** chown(1) -R: ids as the container sees them. */
  | { readonly op: 'chown'; readonly path: string; readonly uid: number; readonly gid: number };

export interface WorkerOutput {
  write(text: string): void;
}

/** Returns the exit code; a failure is written to `output` as one line. */
export function runStorageWorker(text: string, output: WorkerOutput): number {
  process.umask(0);
  try {
    run(parseJson(text, 'storage job', storageJob));
    return 0;
  } catch (error) {
    output.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

const copyJob = object({
  op: literal('copy'),
  layers: array(string),
  path: string,
  target: string,
  contentOnly: boolean,
});
const chownJob = object({ op: literal('chown'), path: string, uid: natural, gid: natural });

function storageJob(value: unknown, path: string): StorageJob {
  const { op } = object({ op: literal('copy', 'chown') })(value, path);
  return op === 'copy' ? copyJob(value, path) : chownJob(value, path);
}

function run(job: StorageJob): void {
  if (job.op === 'chown') return changeOwners(Buffer.from(job.path), job);
  const { layers, path, target, contentOnly } = job;
  // Of the root itself nothing has to be looked up.
  if (path === '/') return flattenLayers(layers.toReversed(), target, contentOnly);
  withDirectoryInLayers(layers, path, (directories) => {
    flattenLayers(directories.toReversed(), target, contentOnly);
  });
}

/** Nothing is followed: a symlink in a volume is a container's, and what it points to is not. */
function changeOwners(path: Buffer, owner: { readonly uid: number; readonly gid: number }): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) throw new CtrError('NOT_FOUND', `${path} does not exist`);
  if (stat.isDirectory()) {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      changeOwners(Buffer.concat([path, Buffer.from('/'), name]), owner);
    }
  }
  if (stat.uid !== owner.uid || stat.gid !== owner.gid) lchownSync(path, owner.uid, owner.gid);
}
