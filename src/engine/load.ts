/** `ctr load`: images out of archives and directories, whoever wrote them. What kind it is, its files say. */
import { createReadStream, statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { FileSet } from '../image/transport/file-set.ts';
import type { FoundImage } from '../image/transport/oci-layout.ts';
import type { Digest } from '../oci/digest.ts';
import { canonicalName, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import type { CopyWatch } from './push.ts';
import { unpackingFor } from './unpacking.ts';

export interface Loaded {
  readonly id: Digest;
  /** Canonical; empty where the archive has none. */
  readonly names: readonly string[];
}

/** Load every image from a file, a directory, or a descriptor. An image that is told as loaded is stored as a whole. */
export async function load(host: Host, input: LoadInput, watch: CopyWatch = {}): Promise<Loaded[]> {
  const loaded = await loadAll(host, input, watch);
  const fresh = loaded.map(({ id }) => id);
  await (await import('./size-policy.ts')).keepToMaxSize(host, fresh);
  return loaded;
}

type LoadInput = { readonly path: string } | { readonly fd: number };

async function loadAll(host: Host, input: LoadInput, watch: CopyWatch): Promise<Loaded[]> {
  const { copyInto } = await import('../image/copy.ts');
  const { recordStored, storeDestination } = await import('../image/store-destination.ts');
  using _lock = await lockWhenFree(storeLockOf(host), 'shared', watch.signal ? { signal: watch.signal } : {});
  const files = await openFiles(host, input);
  const unpacking = await unpackingFor(host);
  const loaded: Loaded[] = [];
  try {
    for (const { names, source } of await imagesIn(files)) {
      const references = names.flatMap((name) => referenceOf(host, name));
      const manifest = await copyInto(source, storeDestination(host), {}, { host, ...watch });
      const image = await recordStored(manifest, references, { host, ...unpacking, signal: watch.signal });
      loaded.push({ id: image.id, names: references.map(canonicalName) });
    }
  } finally {
    files.close();
  }
  return loaded;
}

async function openFiles(host: Host, input: LoadInput): Promise<FileSet> {
  const { archiveFiles, directoryFiles } = await import('../image/transport/file-set.ts');
  if ('fd' in input) return archiveFiles(host, 'standard input', createReadStream('', { fd: input.fd }));
  const stat = statSync(input.path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CtrError('NOT_FOUND', `${input.path}: no such file or directory`);
  if (stat.isDirectory()) return directoryFiles(input.path);
  return archiveFiles(host, input.path, createReadStream(input.path));
}

/** Newer Dockers write both kinds into one archive: manifest.json has the full names. */
async function imagesIn(files: FileSet): Promise<FoundImage[]> {
  if (files.path('version') !== undefined && files.path('manifest.json') !== undefined) {
    const { blobDirectorySource } = await import('../image/transport/blob-directory.ts');
    return [{ names: [], source: blobDirectorySource(files) }];
  }
  if (files.path('manifest.json') !== undefined) {
    const { imagesInDockerArchive } = await import('../image/transport/docker-archive.ts');
    return imagesInDockerArchive(files);
  }
  if (files.path('index.json') !== undefined) {
    const { imagesInLayout } = await import('../image/transport/oci-layout.ts');
    return imagesInLayout(files);
  }
  throw new CtrError('INVALID', `${files.name} holds no image`, {
    hint: 'wanted: an archive of `save`, or an OCI layout; `ctr import` makes an image of a plain root file system',
  });
}

/** Names without a registry are local ones, as in Podman, but for Docker's own short form. */
function referenceOf(host: Host, name: string): Reference[] {
  try {
    const isBareTag = !/[/:]/.test(name);
    return [withDefaultTag(parseReference(name, isBareTag ? 'localhost' : undefined))];
  } catch {
    host.log.warn(`the archive calls an image ${JSON.stringify(name)}, which is no name of an image: it gets none`);
    return [];
  }
}
