/**
 * What a pull asks of whoever unpacks layers. Unpacking runs beside the download: the unpacker reads an archive that
 * is still growing, and is told how far it may read. The bytes are not verified before they are unpacked, so what is
 * unpacked becomes visible only after `finished` was called and the content matched `diffId`.
 */
import type { Digest } from '../oci/digest.ts';
import type { Compression } from '../oci/media-types.ts';

export interface LayerArchive {
  /** The growing file, relative to `host.dataRoot`; stays there until `done` has settled. */
  readonly archivePath: string;
  readonly compression: Compression;
  /** Absent: it is being made here, and told with `finished`. */
  readonly diffId?: Digest;
}

export interface LayerUnpacker {
  begin(layer: LayerArchive): LayerInProgress;
  /** Ends the unpacker; layers that are not done are dropped. */
  close(): Promise<void>;
}

export interface LayerInProgress {
  /** The archive's first `bytes` bytes may be read now. */
  grown(bytes: number): void;
  /** The archive is whole, `bytes` long, and its own digest was right; `diffId` if it was not known before. */
  finished(bytes: number, diffId?: Digest): void;
  /** The download failed: drop what was unpacked; `done` rejects. */
  aborted(): void;
  /** Resolves when the layer is unpacked, verified against its diffId and published. */
  readonly done: Promise<void>;
}
