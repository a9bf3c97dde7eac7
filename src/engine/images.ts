/** The verbs on stored images that neither fetch nor delete: list, tag, untag, history. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { type HistoryEntry, type ImageConfig, parseImageConfig } from '../oci/image-config.ts';
import { canonicalName, familiarName, parseReference, repositoryName } from '../oci/reference.ts';
import { readStoredBlob } from '../storage/blob-store.ts';
import {
  findImage,
  type ImageRecord,
  listEveryImage,
  listEveryTag,
  listTags,
  readOnlyHomeOf,
  repositoryOf,
  resolveImage,
  type StoredImage,
  type TagRecord,
  tagImage,
  untagImage,
} from '../storage/image-store.ts';
import { readLayer } from '../storage/layer-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';

export interface ImageSummary {
  readonly image: ImageRecord;
  /** Canonical names with a tag; empty for a dangling image. */
  readonly names: readonly string[];
  /** `repository@digest` as registries know it. */
  readonly repoDigests: readonly string[];
  /** Of the unpacked layers where they are unpacked, otherwise of the archives. */
  readonly sizeBytes: number;
  /** The data root of the read-only store that has it; undefined: the user's own has it. */
  readonly readOnlyStore: string | undefined;
}

export interface ImageFilter {
  /** Only images of stores that are only read, or only the user's own. */
  readonly isReadOnly?: boolean;
  readonly isDangling?: boolean;
  /** Names, with `*` and `?` as in path.Match of Go; one has to match. */
  readonly references?: readonly string[];
  /** `key` or `key=value`; all have to match. */
  readonly labels?: readonly string[];
  /** As `labels`, for images that must not have them. */
  readonly withoutLabels?: readonly string[];
  /** Only images made before this moment, in milliseconds. */
  readonly untilMs?: number;
  /** Only images made before, or after, this one. */
  readonly before?: string;
  readonly since?: string;
}

/** Newest first. */
export function listStoredImages(host: Host, filter: ImageFilter = {}): ImageSummary[] {
  const tagsOf = Map.groupBy(listEveryTag(host), ({ id }) => id);
  const summaries = listEveryImage(host).map((image) => summarize(host, image, tagsOf.get(image.id) ?? []));
  const made = (name: string | undefined) => name && Date.parse(resolveImage(host, name).image.createdAt ?? '');
  const [before, since] = [made(filter.before), made(filter.since)];
  return summaries.filter((summary) => {
    const createdAt = Date.parse(summary.image.createdAt ?? '') || 0;
    return (
      (filter.isReadOnly === undefined || filter.isReadOnly === (summary.readOnlyStore !== undefined)) &&
      (filter.isDangling === undefined || filter.isDangling === (summary.names.length === 0)) &&
      (before === undefined || createdAt < Number(before)) &&
      (since === undefined || createdAt > Number(since)) &&
      (filter.untilMs === undefined || createdAt < filter.untilMs) &&
      !(filter.withoutLabels ?? []).some((label) => hasLabel(readConfig(host, summary.image), label)) &&
      (!filter.references?.length || filter.references.some((pattern) => matchesName(summary, pattern))) &&
      (filter.labels ?? []).every((label) => hasLabel(readConfig(host, summary.image), label))
    );
  });
}

/** One image with its names; throws NOT_FOUND. */
export function describeImage(host: Host, nameOrId: string): ImageSummary {
  const { image } = resolveImage(host, nameOrId);
  return summarize(
    host,
    image,
    listEveryTag(host).filter(({ id }) => id === image.id),
  );
}

export function imageExists(host: Host, nameOrId: string): boolean {
  return findImage(host, nameOrId) !== undefined;
}

/** The config blob, verified. */
export function readConfig(host: Host, image: ImageRecord): ImageConfig {
  return parseImageConfig(readStoredBlob(host, image.config));
}

/** Oldest first, as in the config. */
export function imageHistory(host: Host, nameOrId: string): readonly HistoryEntry[] {
  return readConfig(host, resolveImage(host, nameOrId).image).history;
}

/** Give an image more names. A name that another image has moves to this one. */
export async function addTags(host: Host, nameOrId: string, names: readonly string[]): Promise<void> {
  using _lock = await lockWhenFree(storeLockOf(host), 'shared');
  const { image, tag } = resolveImage(host, nameOrId);
  const references = names.map((name) => parseReference(name));
  const digested = references.find(({ digest }) => digest !== undefined);
  if (digested) {
    throw new CtrError('INVALID', `refusing to create a tag with a digest reference: ${canonicalName(digested)}`);
  }
  for (const reference of references) {
    const isSameRepository = tag !== undefined && repositoryOf(tag.name) === repositoryName(reference);
    tagImage(host, reference, {
      id: image.id,
      manifest: tag?.manifest ?? image.manifest,
      ...((isSameRepository || tag?.kept) && tag.target ? { target: tag.target } : {}),
      ...(tag?.kept ? { kept: tag.kept } : {}),
    });
  }
}

/** Take names from an image, all of them when none is given; the image stays. Returns what was removed. */
export function removeTags(host: Host, nameOrId: string, names: readonly string[] = []): string[] {
  const { image } = resolveImage(host, nameOrId);
  const own = listTags(host).filter(({ id }) => id === image.id);
  if (names.length === 0 && own.length === 0) refuseReadOnly(host, nameOrId, { image });
  const chosen = names.length === 0 ? own.map(({ name }) => name) : names.map((name) => nameOfImage(host, image, name));
  return chosen.filter((name) => untagImage(host, name));
}

function nameOfImage(host: Host, image: ImageRecord, name: string): string {
  const found = findImage(host, name);
  if (found) refuseReadOnly(host, name, found);
  if (found?.tag && found.image.id === image.id) return found.tag.name;
  throw new CtrError('NOT_FOUND', `${name}: tag not known`, { hint: `it is no name of image ${shortId(image.id)}` });
}

/** Throws when the name (or, without one, the image) is in a store that is only read: it cannot be taken away there. */
export function refuseReadOnly(host: Host, nameOrId: string, stored: StoredImage): void {
  const store = readOnlyHomeOf(host, stored);
  if (store === undefined) return;
  throw new CtrError('DENIED', `${nameOrId} is in the image store ${store}, which is only read`, {
    hint: 'leave the store out of --storage-opt, CTR_ADDITIONAL_STORES and ctr.toml, or ask its owner',
  });
}

/** Twelve digits, as everywhere in the field. */
export const shortId = (id: Digest) => id.slice(id.indexOf(':') + 1).slice(0, 12);

function summarize(host: Host, image: ImageRecord, tags: readonly TagRecord[]): ImageSummary {
  const repoDigests = tags.flatMap(({ name, target, manifest }) => {
    const known = target ? [target.digest, manifest.digest] : [];
    return known.map((digest) => `${repositoryOf(name)}@${digest}`);
  });
  return {
    image,
    names: tags.map(({ name }) => name).filter((name) => !name.includes('@')),
    repoDigests: [...new Set(repoDigests)],
    sizeBytes: unpackedBytes(host, image) ?? image.sizeBytes,
    readOnlyStore: readOnlyHomeOf(host, { image }),
  };
}

function unpackedBytes(host: Host, { diffIds }: ImageRecord): number | undefined {
  let total = 0;
  for (const diffId of diffIds) {
    const layer = readLayer(host, { diffId, kind: 'm' }) ?? readLayer(host, { diffId, kind: 's' });
    if (!layer) return undefined;
    total += layer.sizeBytes;
  }
  return total;
}

/** Docker matches `alpine`, `alpine:3*` and `*ker.io/library/alpine` alike: full or familiar, with or without tag. */
function matchesName({ names }: ImageSummary, pattern: string): boolean {
  const glob = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '[^/]*')
      .replace(/\?/g, '[^/]')}$`,
  );
  return names.some((name) => {
    const reference = parseReference(name);
    const { domain, path } = reference;
    const forms = [canonicalName(reference), familiarName(reference), repositoryName(reference)];
    forms.push(familiarName({ domain, path }), path.slice(path.lastIndexOf('/') + 1));
    return forms.some((form) => glob.test(form));
  });
}

function hasLabel(config: ImageConfig, wanted: string): boolean {
  const labels = config.config.Labels ?? {};
  const [key = '', ...value] = wanted.split('=');
  if (!Object.hasOwn(labels, key)) return false;
  return value.length === 0 || labels[key] === value.join('=');
}
