/** `ctr save`: images of the store as an archive or a directory that Docker, Podman and skopeo read. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ImageDestination } from '../image/content.ts';
import type { CopyChoice } from '../image/copy.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { resolveImage } from '../storage/image-store.ts';
import { lockWhenFree, storeLockOf } from '../storage/lock.ts';
import type { CopyWatch } from './push.ts';

export const saveFormats = ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'] as const;
export type SaveFormat = (typeof saveFormats)[number];

export interface SaveRequest {
  /** By name or ID; images that were given by name keep it. */
  readonly images: readonly string[];
  readonly format: SaveFormat;
  readonly output: { readonly path: string } | { readonly fd: number };
  /** Every layer by gzip, where the format can hold it. */
  readonly compress?: boolean;
}

/** Returns when everything is written; an archive that failed leaves no file. */
export async function save(host: Host, request: SaveRequest, watch: CopyWatch = {}): Promise<void> {
  const { copyInto } = await import('../image/copy.ts');
  const { storeSource } = await import('../image/store-source.ts');
  using _lock = await lockWhenFree(storeLockOf(host), 'shared', watch.signal ? { signal: watch.signal } : {});
  const chosen = chooseImages(host, request.images);
  const collection = await openCollection(request, chosen.length);
  const choice: CopyChoice = request.compress ? { compression: 'gzip' } : {};
  let last: ImageDestination | undefined;
  try {
    for (const { manifest, names } of chosen) {
      last = collection(names);
      await copyInto(storeSource(host, names[0] ?? manifest.digest, manifest), last, choice, { host, ...watch });
    }
    await last?.finish();
  } finally {
    last?.close();
  }
}

interface ChosenImage {
  readonly manifest: Descriptor;
  readonly names: readonly string[];
}

/** Names of one image belong together. */
function chooseImages(host: Host, images: readonly string[]): ChosenImage[] {
  const chosen = new Map<string, { manifest: Descriptor; names: string[] }>();
  for (const nameOrId of images) {
    const { image, tag } = resolveImage(host, nameOrId);
    const manifest = tag?.manifest ?? image.manifest;
    const entry = chosen.get(manifest.digest) ?? { manifest, names: [] };
    if (tag && !tag.name.includes('@') && !entry.names.includes(tag.name)) entry.names.push(tag.name);
    chosen.set(manifest.digest, entry);
  }
  return [...chosen.values()];
}

/** What gives the destination for each image. */
async function openCollection({ format, output }: SaveRequest, count: number) {
  const { archiveSink, directorySink } = await import('../image/transport/file-sink.ts');
  const { ociLayoutCollection } = await import('../image/transport/oci-layout.ts');
  if (format === 'oci-archive') return ociLayoutCollection(await archiveSink(output)).image;
  if (format === 'docker-archive') {
    const { dockerArchiveCollection } = await import('../image/transport/docker-archive.ts');
    return dockerArchiveCollection(await archiveSink(output)).image;
  }
  if (!('path' in output)) throw new CtrError('USAGE', `--format ${format} needs --output with a directory`);
  if (format === 'oci-dir') return ociLayoutCollection(directorySink(output.path)).image;
  if (count > 1) throw new CtrError('USAGE', 'a docker-dir holds one image');
  const { blobDirectoryDestination } = await import('../image/transport/blob-directory.ts');
  return () => blobDirectoryDestination(directorySink(output.path), 'v2s2');
}
