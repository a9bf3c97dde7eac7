/** OCI image layouts (image-spec image-layout.md), as directories and in archives. */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, hasherFor, hexOf } from '../../oci/digest.ts';
import { maxConfigBytes } from '../../oci/image-config.ts';
import { type ImageIndex, isIndex, maxManifestBytes, parseManifest } from '../../oci/manifest.ts';
import { manifestMediaTypes, mediaTypes } from '../../oci/media-types.ts';
import type { ImageDestination, ImageSource, OpenBlob } from '../content.ts';
import { verified } from '../verified-stream.ts';
import { type FileSet, readSmallFile } from './file-set.ts';
import type { FileSink } from './file-sink.ts';

export const refName = 'org.opencontainers.image.ref.name';
/** containerd and Docker put the full name here, and only the tag into ref.name. */
const containerdName = 'io.containerd.image.name';

/** An image in an archive or a layout, with the names that are written there. */
export interface FoundImage {
  readonly names: readonly string[];
  readonly source: ImageSource;
}

/** All images of a layout. Closing one source does not close `files`. */
export function imagesInLayout(files: FileSet): FoundImage[] {
  return readIndex(files).manifests.map((descriptor) => ({
    names: nameOf(descriptor),
    source: layoutSource(files, descriptor),
  }));
}

/** The one image that is called `name`, or the only one. */
export function imageInLayout(files: FileSet, name: string | undefined): ImageSource {
  const { manifests } = readIndex(files);
  const fitting = name === undefined ? manifests : manifests.filter((one) => isNamed(one, name));
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return layoutSource(files, only);
  const names = manifests.flatMap(nameOf).join(', ') || 'none with a name';
  const problem = name === undefined ? `has ${manifests.length} images` : `has no image ${name}`;
  throw new CtrError('NOT_FOUND', `${files.name} ${problem}`, { hint: `it has ${names}` });
}

const isNamed = ({ annotations, digest }: Descriptor, name: string) =>
  annotations?.[refName] === name || annotations?.[containerdName] === name || digest === name;

function nameOf({ annotations }: Descriptor): string[] {
  const name = annotations?.[containerdName] ?? annotations?.[refName];
  return name ? [name] : [];
}

function readIndex(files: FileSet): ImageIndex {
  const index = parseManifest(readSmallFile(files, 'index.json', maxManifestBytes), mediaTypes.ociIndex);
  if (!isIndex(index)) throw new CtrError('INVALID', `${files.name}: index.json is no image index`);
  return index;
}

function layoutSource(files: FileSet, target: Descriptor): ImageSource {
  const document = async (descriptor: Descriptor) => readDocument(files, blobName(descriptor.digest), descriptor);
  return {
    name: nameOf(target)[0] ?? files.name,
    target: async () => ({ descriptor: bare(target), content: await document(target) }),
    document,
    open: async (descriptor) => openFile(files, blobName(descriptor.digest)),
    close: () => undefined,
  };
}

/** What the layout says about the entry (its name) is no part of the manifest's own descriptor. */
const bare = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

export const blobName = (digest: Digest) => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;

/** A manifest or config out of a file, verified. */
export function readDocument(files: FileSet, name: string, { mediaType, digest, size }: Descriptor): Buffer {
  const content = readSmallFile(
    files,
    name,
    manifestMediaTypes.includes(mediaType) ? maxManifestBytes : maxConfigBytes,
  );
  const hasher = hasherFor(digest);
  hasher.update(content);
  if (hasher.digest() === digest && content.length === size) return content;
  throw new CtrError('VERIFY', `${files.name}: the content of ${digest} is not what it should be`);
}

export function openFile(files: FileSet, name: string): OpenBlob {
  const path = files.path(name);
  if (path === undefined) throw new CtrError('NOT_FOUND', `${files.name}: ${name} is missing`);
  return {
    read: (offset, length) => createReadStream(path, { start: offset, end: offset + length - 1 }),
    ...(files.isSpooled ? { spooledAt: path } : {}),
    close: () => undefined,
  };
}

/** Several images that are written to one place and become visible together. */
export interface ImageCollection {
  /** The destination for the next image, which gets these names. */
  image(names: readonly string[]): ImageDestination;
}

/** Write a layout. Images that a directory holds already stay, but for those whose name is taken over. */
export function ociLayoutCollection(sink: FileSink, format: 'oci' | undefined = 'oci'): ImageCollection {
  const manifests: Descriptor[] = [];
  const finish = async () => {
    const taken = new Set(manifests.flatMap(nameOf));
    const kept = entriesIn(sink).filter(
      (one) => !nameOf(one).some((name) => taken.has(name)) && !isAmong(one, manifests),
    );
    await sink.add('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...kept, ...manifests] };
    await sink.add('index.json', JSON.stringify(index));
    await sink.finish();
  };
  return {
    image: (names) => ({
      name: sink.name,
      layers: 'as-is',
      ...(format === undefined ? {} : { format }),
      hasBlob: async ({ digest }) => sink.has(blobName(digest)),
      putBlob: (descriptor, blob, onBytes) => putFile(sink, blobName(descriptor.digest), { descriptor, blob, onBytes }),
      async putManifest({ descriptor, content }, isTarget) {
        if (!sink.has(blobName(descriptor.digest))) await sink.add(blobName(descriptor.digest), content);
        if (isTarget) manifests.push(...namedEntries(descriptor, names));
      },
      finish,
      close: () => sink.close(),
    }),
  };
}

function namedEntries(descriptor: Descriptor, names: readonly string[]): Descriptor[] {
  if (names.length === 0) return [descriptor];
  return names.map((name) => ({ ...descriptor, annotations: { ...descriptor.annotations, [refName]: name } }));
}

const isAmong = (one: Descriptor, others: readonly Descriptor[]) =>
  nameOf(one).length === 0 && others.some(({ digest }) => digest === one.digest);

/** What the directory's index lists so far; archives are always new. */
function entriesIn(sink: FileSink): readonly Descriptor[] {
  const path = `${sink.name}/index.json`;
  if (!statSync(path, { throwIfNoEntry: false })) return [];
  const content = readFileSync(path);
  const index = parseManifest(content, mediaTypes.ociIndex);
  return isIndex(index) ? index.manifests : [];
}

export interface FilePut {
  readonly descriptor: Descriptor;
  readonly blob: OpenBlob;
  readonly onBytes: (bytes: number) => void;
}

/** Write a blob as a file, verified on the way. */
export async function putFile(sink: FileSink, name: string, put: FilePut): Promise<'exists' | 'copied'> {
  if (sink.has(name)) return 'exists';
  const { descriptor, blob, onBytes } = put;
  async function* content() {
    let bytes = 0;
    for await (const chunk of verified(blob.read(0, descriptor.size), descriptor)) {
      bytes += chunk.length;
      onBytes(bytes);
      yield chunk;
    }
  }
  await sink.addStream(name, descriptor.size, content);
  return 'copied';
}
