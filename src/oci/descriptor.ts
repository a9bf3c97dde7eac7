/** A pointer to content (image-spec descriptor.md). */
import { array, type Check, natural, object, optional, parsed, record, string } from './check.ts';
import { type Digest, parseDigest } from './digest.ts';
import { type Platform, platform } from './platform.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly platform?: Platform;
}

export const digest: Check<Digest> = parsed(parseDigest);

export const descriptor: Check<Descriptor> = object({
  mediaType: string,
  digest,
  size: natural,
  urls: optional(array(string)),
  annotations: optional(record(string)),
  artifactType: optional(string),
  platform: optional(platform),
});
