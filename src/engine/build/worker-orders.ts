/** What the build's worker is asked to do, one JSON object per line each way. Both ends are ctr itself. */
import type { SourceTree } from './source-walk.ts';

/** `mkdir -p`: what is there keeps its attributes. */
export interface DirectoryOrder {
  readonly kind: 'directory';
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface CopyOrder {
  readonly kind: 'copy';
  readonly tree: SourceTree;
  readonly paths: readonly string[];
  /** Absolute; with a final `/` it is a directory. */
  readonly destination: string;
  readonly exclude: readonly string[];
  /** Absent: the source's own from an image, root from a context. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly chmod?: string;
  readonly parents: boolean;
  /** COPY --link: directories on the way are root's, whoever the files belong to. */
  readonly isLinked?: boolean;
  readonly isSingle: boolean;
}

export interface PlaceOrder {
  readonly op: 'place';
  /** An empty directory. */
  readonly target: string;
  /** Uppermost first. */
  readonly lower: readonly string[];
  readonly steps: ReadonlyArray<DirectoryOrder | CopyOrder>;
  readonly isSingle: boolean;
}

/** The regular files of stacked layers, as spdx.ts lists them. */
export interface ListFilesOrder {
  readonly op: 'list-files';
  readonly layers: readonly string[];
}

/** Mark in `target` what the layers `upper`, which it takes the place of, remove of those below. */
export interface RemoveBelowOrder {
  readonly op: 'remove-below';
  readonly target: string;
  readonly upper: readonly string[];
  readonly below: readonly string[];
}

/** Make a layer of a directory: times, digest, and the archive if a file is named. */
export interface SealOrder {
  readonly op: 'seal';
  readonly directory: string;
  readonly lower: readonly string[];
  /** Where the directory comes from: renamed to `directory` first. */
  readonly from?: string;
  /** Mount points in it are no content. */
  readonly mountPoints: readonly string[];
  /** Seconds; what is newer becomes this. Absent: times stay. */
  readonly newest?: number;
  /** When the build began, in seconds: what is not older was made by it. */
  readonly began: number;
  readonly archive?: string;
  readonly isSingle: boolean;
}

/** Write the archive of a layer that has a name. */
export interface PackOrder {
  readonly op: 'pack';
  readonly directory: string;
  readonly archive: string;
  readonly isSingle: boolean;
}

export interface ExtractOrder {
  readonly op: 'extract';
  /** A plain, gzip or zstd archive; its content goes below `target`/diff. */
  readonly archive: string;
  readonly target: string;
  readonly isSingle: boolean;
}

export interface RemoveOrder {
  readonly op: 'remove';
  readonly paths: readonly string[];
}

/** Remember what is in a root that is a copy; the next order says what has changed since. */
export interface SnapshotOrder {
  readonly op: 'snapshot';
  readonly root: string;
}

export interface ChangesOrder {
  readonly op: 'changes';
  readonly root: string;
  /** An empty directory, which gets them. */
  readonly upper: string;
}

/** What fuse-overlayfs left in an upper directory, as the kernel's overlay would have left it. */
export interface MarksOrder {
  readonly op: 'marks';
  readonly upper: string;
  readonly lower: readonly string[];
}

export interface ChownOrder {
  readonly op: 'chown';
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Deleted when the build dies. */
export interface GuardOrder {
  readonly op: 'guard';
  readonly paths: readonly string[];
}

export type WorkerOrder =
  | PlaceOrder
  | RemoveBelowOrder
  | ListFilesOrder
  | SealOrder
  | PackOrder
  | ExtractOrder
  | RemoveOrder
  | SnapshotOrder
  | ChangesOrder
  | MarksOrder
  | ChownOrder
  | GuardOrder;

export interface Sealed {
  readonly diffId: string;
  /** Of the archive. */
  readonly size: number;
  readonly sizeBytes: number;
  /** Below the directory. */
  readonly entries: number;
}
