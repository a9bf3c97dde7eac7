/**
 * Where images come from and where they go: a registry, an OCI layout, an archive, the store. copy.ts connects any
 * source with any destination and needs to know nothing else of them.
 */
import type { Readable } from 'node:stream';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Document } from './remote-image.ts';

/** A blob that can be read several times, from anywhere: uploads that break begin again in the middle. */
export interface OpenBlob {
  /** The bytes, unverified. */
  read(offset: number, length: number): Readable;
  /** A file of ours that holds just these bytes, and to which nobody writes any more. */
  readonly spooledAt?: string;
  close(): void;
}

export interface ImageSource {
  /** For messages: the name as the user knows it. */
  readonly name: string;
  /** What the name stands for: a manifest, or an index of them. */
  target(): Promise<Document>;
  /** A manifest that the index names, or a config: verified. */
  document(descriptor: Descriptor): Promise<Buffer>;
  open(descriptor: Descriptor): Promise<OpenBlob>;
  close(): void;
}

/** `oci`: the media types of the image-spec; `v2s2`: those of Docker's image manifest, schema 2. */
export type ManifestFormat = 'oci' | 'v2s2';

export interface ImageDestination {
  readonly name: string;
  /** Archives for Docker hold plain tar; registries should not. */
  readonly layers: 'as-is' | 'compressed' | 'plain';
  /** The only manifests that it can hold. */
  readonly format?: ManifestFormat;
  /** Whether copying of the blob can be spared; false when asking costs as much as putting. */
  hasBlob(descriptor: Descriptor): Promise<boolean>;
  /** Idempotent; returning means that the whole blob is there and is what the descriptor says. */
  putBlob(descriptor: Descriptor, blob: OpenBlob, onBytes: (bytes: number) => void): Promise<'exists' | 'copied'>;
  /** `isTarget`: the one that gets the name; others are members of an index. */
  putManifest(document: Document, isTarget: boolean): Promise<void>;
  /** Everything was put; only now may anybody see it under its final name. */
  finish(): Promise<void>;
  /** Free what is held; deletes what is not finished. */
  close(): void;
}

export interface CopyProgress {
  blob(descriptor: Descriptor, state: 'waiting' | 'copying' | 'exists' | 'done', bytes: number): void;
}
