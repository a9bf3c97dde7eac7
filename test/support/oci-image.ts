/**
 * Images made by code: layers from entries, an OCI image layout on disk, and a push that sends whatever it is given,
 * so that a test can publish what no honest tool would.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export interface Layer {
  /** The compressed bytes, as they are stored and sent. */
  readonly blob: Buffer;
  /** Of the uncompressed archive (image-spec config.md "Layer DiffID"). */
  readonly diffId: string;
}

export interface Image {
  readonly layers: readonly Layer[];
  readonly config: Buffer;
  readonly manifest: Buffer;
}

export interface ImageOptions {
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly volumes?: readonly string[];
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A tar archive; entries without `mtime` and owner are root's, of 1970: equal entries make equal archives. */
export async function archiveOf(
  entries: ReadonlyArray<Partial<Header> & { name: string; content?: string | Buffer }>,
): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    archive.entry({ mtime: new Date(0), uid: 0, gid: 0, ...header }, content ?? '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve) => archive.once('end', () => resolve()));
  archive.on('data', (chunk) => chunks.push(Buffer.from(chunk as Uint8Array)));
  await ended;
  return Buffer.concat(chunks);
}

export function layerOf(archive: Buffer): Layer {
  return { blob: gzipSync(archive, { level: 1 }), diffId: digestOf(archive) };
}

export const descriptorOf = (mediaType: string, bytes: Uint8Array): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** Config and manifest for `layers`; `lie` may replace what the manifest says about them. */
export function imageOf(
  layers: readonly Layer[],
  options: ImageOptions = {},
  lie: (layers: Descriptor[]) => Descriptor[] = (honest) => honest,
): Image {
  const config = Buffer.from(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {
        Env: options.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        Cmd: options.cmd ?? ['sh'],
        ...(options.user === undefined ? {} : { User: options.user }),
        ...(options.workingDir === undefined ? {} : { WorkingDir: options.workingDir }),
        ...(options.volumes ? { Volumes: Object.fromEntries(options.volumes.map((path) => [path, {}])) } : {}),
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map((_, index) => ({ created: '1970-01-01T00:00:00Z', created_by: `layer ${index + 1}` })),
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptorOf(mediaTypes.config, config),
      layers: lie(layers.map(({ blob }) => descriptorOf(mediaTypes.layer, blob))),
    }),
  );
  return { layers, config, manifest };
}

/** Write an OCI image layout (image-spec image-layout.md) with one image, for skopeo and podman. */
export function writeLayout(dir: string, image: Image, tag: string): void {
  mkdirSync(`${dir}/blobs/sha256`, { recursive: true });
  const put = (bytes: Buffer) => writeFileSync(`${dir}/blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
  for (const bytes of [image.manifest, image.config, ...image.layers.map(({ blob }) => blob)]) put(bytes);
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  const manifests = [{ ...descriptorOf(mediaTypes.manifest, image.manifest), annotations }];
  writeFileSync(`${dir}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    `${dir}/index.json`,
    JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
  );
}

/** distribution-spec "Pushing manifests", blobs first, over plain HTTP. Nothing is checked here. */
export async function pushImage(registryUrl: string, repository: string, tag: string, image: Image): Promise<void> {
  const base = `${registryUrl}/v2/${repository}`;
  for (const bytes of [image.config, ...image.layers.map(({ blob }) => blob)]) await pushBlob(base, bytes);
  const headers = { 'content-type': mediaTypes.manifest };
  await expectCreated(
    await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: new Uint8Array(image.manifest) }),
  );
}

async function pushBlob(base: string, bytes: Buffer): Promise<void> {
  const digest = digestOf(bytes);
  if ((await fetch(`${base}/blobs/${digest}`, { method: 'HEAD' })).ok) return;
  const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectCreated(await fetch(location, { method: 'PUT', headers, body: new Uint8Array(bytes) }));
}

async function expectCreated(answer: Response): Promise<void> {
  if (answer.status !== 201) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
}

/** Bytes that do not compress, for layers of a certain size. */
export const noise = (sizeBytes: number): Buffer => randomBytes(sizeBytes);
