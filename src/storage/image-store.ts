/**
 * What images there are: `images/<hex>.json` says what an image consists of and never changes, `tags/<name>.json`
 * points a name to an image. Reading takes no lock; a write replaces one small file atomically. An image's blobs
 * and layers are stored before its record, and its record before a tag.
 */
import { rmSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, type Check, natural, object, optional, string } from '../oci/check.ts';
import { type Descriptor, descriptor, digest } from '../oci/descriptor.ts';
import { type Digest, hexOf, isDigest, parseDigest } from '../oci/digest.ts';
import {
  canonicalName,
  isShortName,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from '../oci/reference.ts';
import { writeIndex } from './index-file.ts';
import { layout } from './layout.ts';
import { fromReadOnly, readOnlyStores } from './read-only-stores.ts';
import { ensureDataRoot, namesIn } from './roots.ts';

export interface ImageRecord {
  /** The config's digest. */
  readonly id: Digest;
  readonly config: Descriptor;
  /** The manifest that the image was first recorded with; a tag may point to another one with the same config. */
  readonly manifest: Descriptor;
  readonly diffIds: readonly Digest[];
  /** The config's creation date, RFC 3339; absent in reproducible images. */
  readonly createdAt?: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** Manifest, config and layer archives as stored. */
  readonly sizeBytes: number;
}

export interface TagRecord {
  /** The canonical name: `repository:tag`, or `repository@digest` for an image pulled by digest. */
  readonly name: string;
  readonly id: Digest;
  readonly manifest: Descriptor;
  /** What the registry has under this name: an index, or the manifest itself. Absent: made here and never pushed. */
  readonly target?: Descriptor;
  /** Of the index `target`: what is stored beside `manifest` and stays with the name (other platforms, attestations). */
  readonly kept?: readonly Descriptor[];
}

export interface StoredImage {
  readonly image: ImageRecord;
  /** The tag that the name named; undefined when an ID did. */
  readonly tag?: TagRecord;
}

const imageRecord: Check<ImageRecord> = object({
  id: digest,
  config: descriptor,
  manifest: descriptor,
  diffIds: array(digest),
  createdAt: optional(string),
  os: string,
  architecture: string,
  variant: optional(string),
  sizeBytes: natural,
});

const tagRecord: Check<TagRecord> = object({
  name: string,
  id: digest,
  manifest: descriptor,
  target: optional(descriptor),
  kept: optional(array(descriptor)),
});

/** Idempotent: a record that is there is left alone. Everything that it names is stored already. */
export function recordImage(host: Host, image: ImageRecord): void {
  ensureDataRoot(host);
  const path = layout.image(host, hexOf(image.id));
  if (readJsonFile(path) === undefined) writeJsonFile(path, image, { durable: true });
}

/** Point a name to an image, whose record is there; a name that exists moves. */
export function tagImage(host: Host, reference: Reference, tag: Omit<TagRecord, 'name'>): TagRecord {
  const record: TagRecord = { ...tag, name: tagName(reference) };
  writeJsonFile(layout.tag(host, record.name), record, { durable: true });
  writeIndex(host, () => listTags(host));
  return record;
}

/** False when there is no such name. The image stays. */
export function untagImage(host: Host, name: string): boolean {
  const wasThere = removeFile(layout.tag(host, name));
  if (wasThere) writeIndex(host, () => listTags(host));
  return wasThere;
}

/** Forget an image. Its names have to go first; blobs and layers are left to gc.ts. */
export function removeImage(host: Host, id: Digest): boolean {
  return removeFile(layout.image(host, hexOf(id)));
}

/** The key that a reference has in tags/: with both a tag and a digest the digest is what counts, as in Docker. */
export function tagName(reference: Reference): string {
  if (reference.digest !== undefined) return `${repositoryName(reference)}@${reference.digest}`;
  return canonicalName(withDefaultTag(reference));
}

/** The user's own name, else one of a store that is only read. */
export function readTag(host: Host, name: string): TagRecord | undefined {
  return readOwnTag(host, name) ?? fromReadOnly(host, (place) => readOwnTag(place, name));
}

export function readImage(host: Host, id: Digest): ImageRecord | undefined {
  return readOwnImage(host, id) ?? fromReadOnly(host, (place) => readOwnImage(place, id));
}

export function readOwnTag(host: Host, name: string): TagRecord | undefined {
  const path = layout.tag(host, name);
  const value = readJsonFile(path);
  return value === undefined ? undefined : tagRecord(value, path);
}

export function readOwnImage(host: Host, id: Digest): ImageRecord | undefined {
  const path = layout.image(host, hexOf(id));
  const value = readJsonFile(path);
  return value === undefined ? undefined : imageRecord(value, path);
}

/**
 * The data root of the read-only store that this name, or the image that was found by its ID, is in; undefined: it is
 * in the user's own.
 */
export function readOnlyHomeOf(host: Host, { image, tag }: StoredImage): string | undefined {
  if (host.additionalStores.length === 0) return undefined;
  const has = (place: Host) => (tag ? readOwnTag(place, tag.name) : readOwnImage(place, image.id)) !== undefined;
  return has(host) ? undefined : fromReadOnly(host, (place) => (has(place) ? place.dataRoot : undefined));
}

/** Make an image of a read-only store the user's own, with its name; its archives stay where they are. */
export function adoptImage(host: Host, { image, tag }: StoredImage): void {
  if (readOwnImage(host, image.id)) return;
  recordImage(host, image);
  if (tag && !readOwnTag(host, tag.name)) tagImage(host, parseReference(tag.name), tag);
}

/** The user's own names and those of stores that are only read; where both have one, the user's. */
export function listEveryTag(host: Host): TagRecord[] {
  return merged(host, listTags, ({ name }) => name).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As listEveryTag, of images. */
export function listEveryImage(host: Host): ImageRecord[] {
  return newestFirst(merged(host, listImages, ({ id }) => id));
}

function merged<T>(host: Host, list: (place: Host) => readonly T[], keyOf: (item: T) => string): T[] {
  const items = new Map<string, T>();
  for (const place of [host, ...readOnlyStores(host).map((store) => store.place)]) {
    for (const item of list(place)) if (!items.has(keyOf(item))) items.set(keyOf(item), item);
  }
  return [...items.values()];
}

/** All names of the user's own, in order. A record that cannot be read is left out with a warning. */
export function listTags(host: Host): TagRecord[] {
  const tags = readRecords(host, layout.tags(host), tagRecord);
  return tags.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All images of the user's own, newest first. A record that cannot be read is left out with a warning. */
export function listImages(host: Host): ImageRecord[] {
  return newestFirst(readRecords(host, layout.images(host), imageRecord));
}

function newestFirst(images: ImageRecord[]): ImageRecord[] {
  const created = (image: ImageRecord) => Date.parse(image.createdAt ?? '') || 0;
  return images.sort((a, b) => created(b) - created(a) || (a.id < b.id ? -1 : 1));
}

/** As findImage; throws NOT_FOUND when there is none. */
export function resolveImage(host: Host, nameOrId: string): StoredImage {
  const found = findImage(host, nameOrId);
  if (found) return found;
  throw new CtrError('NOT_FOUND', `${nameOrId}: image not known`, {
    hint: '`ctr images` lists what is stored, `ctr pull` gets an image',
  });
}

/**
 * The image that the user means: a full name, a short one (`localhost/…` before docker.io, as Podman looks),
 * `name@digest`, an ID, or the beginning of one ID. Ambiguous beginnings are an error.
 */
export function findImage(host: Host, nameOrId: string): StoredImage | undefined {
  if (isDigest(nameOrId)) return byId(host, nameOrId);
  if (/^(?:[0-9a-f]{64}){1,2}$/.test(nameOrId)) return byId(host, idOfHex(nameOrId));
  for (const reference of candidates(nameOrId)) {
    const tag = readTag(host, tagName(reference)) ?? tagOfDigest(host, reference);
    const image = tag && readImage(host, tag.id);
    if (image) return { image, tag };
  }
  return byIdPrefix(host, nameOrId);
}

function candidates(name: string): Reference[] {
  try {
    const reference = parseReference(name);
    return isShortName(name) ? [parseReference(name, 'localhost'), reference] : [reference];
  } catch (error) {
    // `sha256:12ab` and the like are no references but may be the beginning of an ID.
    if (/^sha256:[0-9a-f]+$/.test(name)) return [];
    throw error;
  }
}

/** `name@digest` where the image was pulled as `name:tag`: the digest may be the manifest's or the index's. */
function tagOfDigest(host: Host, reference: Reference): TagRecord | undefined {
  const { digest: wanted } = reference;
  if (wanted === undefined) return undefined;
  const repository = repositoryName(reference);
  return listEveryTag(host).find(
    ({ name, manifest, target }) =>
      repositoryOf(name) === repository && (manifest.digest === wanted || target?.digest === wanted),
  );
}

/** The repository in a tag's name. */
export function repositoryOf(name: string): string {
  return repositoryName(parseReference(name));
}

function byId(host: Host, id: Digest): StoredImage | undefined {
  const image = readImage(host, id);
  return image ? { image } : ofIndex(host, id);
}

/** An index that was built here, by its digest: `ctr build --iidfile` of several platforms has that. */
function ofIndex(host: Host, digest: Digest): StoredImage | undefined {
  const tag = listTags(host).find(({ target, kept }) => kept && target?.digest === digest);
  const image = tag && readImage(host, tag.id);
  return image && { image, tag };
}

const idOfHex = (hex: string) => parseDigest(`${hex.length === 128 ? 'sha512' : 'sha256'}:${hex}`);

function byIdPrefix(host: Host, text: string): StoredImage | undefined {
  const prefix = text.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{1,128}$/.test(prefix)) return undefined;
  const hits = merged(host, (place) => names(layout.images(place)), String).filter((name) => name.startsWith(prefix));
  if (hits.length > 1) {
    throw new CtrError('INVALID', `${text} is the beginning of ${hits.length} image IDs`, {
      hint: `give more digits: ${hits.map((name) => name.slice(0, prefix.length + 6)).join(', ')}`,
    });
  }
  const [only] = hits;
  return only === undefined ? undefined : byId(host, idOfHex(only));
}

function readRecords<T>(host: Host, directory: string, check: Check<T>): T[] {
  const records: T[] = [];
  for (const name of names(directory)) {
    const path = `${directory}/${name}.json`;
    try {
      const value = readJsonFile(path);
      if (value !== undefined) records.push(check(value, path));
    } catch (error) {
      host.log.warn(`ignoring ${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return records;
}

/** The names of the records in a directory; temporary files of writers end in `.tmp`. */
function names(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
}

function removeFile(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
