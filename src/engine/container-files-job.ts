/** What the worker on files (container-files-worker.ts) is told to do, and how its failure comes back. */
import { array, boolean, type Check, type Checked, literal, natural, object, optional, string } from '../oci/check.ts';

const ids = object({ uid: natural, gid: natural });

const job = object({
  op: literal('pack', 'place', 'diff', 'layer', 'flatten'),
  /** Becomes the worker's root directory before it looks at anything: no symlink leads out of it. */
  root: string,
  /** `pack`: what is packed; `place`: where to. Below `root`, absolute. */
  path: string,
  /** `pack`: follow a symlink at `path` itself. */
  follow: boolean,
  /** `pack`: the content of a directory instead of itself. */
  contentOnly: boolean,
  /** `place`: the archive is the caller's own, with any number of entries: `path` has to be a directory. */
  isArchive: boolean,
  /** `place`: a directory may take the place of a file and the other way round. */
  overwrite: boolean,
  /** `place`: who owns what is made; the archive's owners when absent. */
  owner: optional(ids),
  /** `place`: on the host, where set-id bits and attributes of a container have no business. */
  isHost: boolean,
  /** Owners cannot be changed: there is one id only. */
  isSingle: boolean,
  /** `diff`, `layer`: mount points, which are no changes. */
  mountPoints: array(string),
  /** `layer`, `flatten` in single-id mode: the image's layers, uppermost first, with their owners beside them. */
  layers: array(string),
});

export type FilesJob = Checked<typeof job>;
export const filesJob: Check<FilesJob> = job;

export const filesJobDefaults = {
  path: '/',
  follow: false,
  contentOnly: false,
  isArchive: false,
  overwrite: false,
  isHost: false,
  isSingle: false,
  mountPoints: [],
  layers: [],
} as const;
