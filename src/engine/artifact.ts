/** `ctr artifact`: files in a registry that are no image (image-spec manifest.md "Guidelines for Artifact Usage"). */
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ImageSource } from '../image/content.ts';
import type { AccessOptions } from '../image/transport/registry-access.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { hasherFor, sha256Of } from '../oci/digest.ts';
import { type ImageManifest, isIndex, parseManifest } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { parseReference } from '../oci/reference.ts';
import type { CopyWatch } from './push.ts';

export interface ArtifactPush extends AccessOptions {
  readonly name: string;
  readonly files: readonly string[];
  readonly artifactType: string;
  readonly fileType: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** The image, by name, that the artifact says something about; in the same repository. */
  readonly subject?: string | undefined;
}

const titleKey = 'org.opencontainers.image.title';
const emptyConfig = Buffer.from('{}');

/** Upload the files under `name`; returns the manifest's descriptor. */
export async function pushArtifact(host: Host, request: ArtifactPush, watch: CopyWatch): Promise<Descriptor> {
  const { copyImage } = await import('../image/copy.ts');
  const { openDestination } = await import('../image/open-image.ts');
  const layers = await Promise.all(request.files.map((path) => describeFile(path, request.fileType)));
  const subject = request.subject === undefined ? undefined : await describeRemote(host, request.subject, request);
  const { artifactType, annotations } = request;
  const manifest: ImageManifest & { readonly subject?: Descriptor } = {
    ...{ schemaVersion: 2, mediaType: mediaTypes.ociManifest, artifactType },
    config: { mediaType: mediaTypes.ociEmpty, digest: sha256Of(emptyConfig), size: emptyConfig.length },
    layers,
    ...(subject === undefined ? {} : { subject }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const options = { host, options: request, signal: watch.signal };
  const destination = await openDestination({ transport: 'docker', name: request.name }, options);
  try {
    const pushed = await copyImage(fileSource(request, manifest), destination, {}, { host, ...watch });
    if (subject !== undefined) await makeFindable(host, request, subject, { ...pushed, artifactType });
    return pushed;
  } finally {
    destination.close();
  }
}

/** distribution-spec "Pushing Manifests with Subject": where the registry lists no referrers, clients keep a tag for them. */
async function makeFindable(host: Host, request: ArtifactPush, subject: Descriptor, pushed: Descriptor): Promise<void> {
  const { connectTo } = await import('../image/open-image.ts');
  const { access, connection } = await connectTo(parseReference(request.name), { host, options: request });
  const { registry, endpoint } = connection;
  try {
    const known = await registry.referrers(endpoint.repository, subject.digest);
    if (known.some(({ digest }) => digest === pushed.digest)) return;
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...known, pushed] };
    const tag = subject.digest.replace(':', '-');
    await registry.putManifest(endpoint.repository, tag, Buffer.from(JSON.stringify(index)), index.mediaType);
  } finally {
    access.close();
  }
}

async function describeFile(path: string, mediaType: string): Promise<Descriptor> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new CtrError('NOT_FOUND', `${path} is no file`);
  const hasher = hasherFor(sha256Of(''));
  for await (const chunk of createReadStream(path)) hasher.update(chunk);
  return { mediaType, digest: hasher.digest(), size: stat.size, annotations: { [titleKey]: basename(path) } };
}

function fileSource({ name, files }: ArtifactPush, manifest: ImageManifest): ImageSource {
  const content = Buffer.from(JSON.stringify(manifest));
  const descriptor = { mediaType: manifest.mediaType, digest: sha256Of(content), size: content.length };
  return {
    name,
    target: async () => ({ descriptor, content }),
    document: async () => emptyConfig,
    async open({ digest }) {
      const path = files[manifest.layers.findIndex((layer) => layer.digest === digest)] ?? '';
      return {
        read: (offset, length) => createReadStream(path, { start: offset, end: offset + length - 1 }),
        close: () => undefined,
      };
    },
    close: () => undefined,
  };
}

async function describeRemote(host: Host, name: string, options: AccessOptions): Promise<Descriptor> {
  const { openSource } = await import('../image/open-image.ts');
  const source = await openSource({ transport: 'docker', name }, { host, options });
  try {
    return (await source.target()).descriptor;
  } finally {
    source.close();
  }
}

export interface ArtifactPull extends AccessOptions {
  readonly name: string;
  readonly directory: string;
}

/** Download the files into a directory; returns their names. */
export async function pullArtifact(host: Host, request: ArtifactPull, signal: AbortSignal): Promise<string[]> {
  const { openSource } = await import('../image/open-image.ts');
  const { directorySink } = await import('../image/transport/file-sink.ts');
  const { putFile } = await import('../image/transport/oci-layout.ts');
  const source = await openSource({ transport: 'docker', name: request.name }, { host, options: request, signal });
  try {
    const { content, descriptor: target } = await source.target();
    const manifest = parseManifest(content, target.mediaType);
    if (isIndex(manifest)) throw new CtrError('UNSUPPORTED', `${request.name} is an index of images, no artifact`);
    const sink = directorySink(request.directory);
    const names: string[] = [];
    for (const descriptor of manifest.layers) {
      const name = titleOf(descriptor);
      if (sink.has(name)) throw new CtrError('EXISTS', `${request.directory}/${name} exists already`);
      const blob = await source.open(descriptor);
      try {
        await putFile(sink, name, { descriptor, blob, onBytes: () => undefined });
      } finally {
        blob.close();
      }
      names.push(name);
    }
    return names;
  } finally {
    source.close();
  }
}

/** The title comes from a stranger: it may name a file, but no way to one. */
function titleOf({ annotations, digest }: Descriptor): string {
  const title = annotations?.[titleKey];
  if (title === undefined) return digest.replace(':', '-');
  if (/^(?!\.{1,2}$)[^/\0]{1,255}$/.test(title)) return title;
  throw new CtrError('ESCAPE', `the artifact calls a file ${JSON.stringify(title)}: that is no file name`);
}

/** What in the repository refers to the image (distribution-spec "Listing Referrers"). */
export async function listReferrers(
  host: Host,
  name: string,
  options: AccessOptions & { readonly artifactType?: string | undefined },
): Promise<readonly Descriptor[]> {
  const { digest } = await describeRemote(host, name, options);
  const { connectTo } = await import('../image/open-image.ts');
  const { access, connection } = await connectTo(parseReference(name), { host, options });
  try {
    return await connection.registry.referrers(connection.endpoint.repository, digest, options.artifactType);
  } finally {
    access.close();
  }
}
