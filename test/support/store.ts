/** A store in a temporary directory, and images in it made of a few files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHost, type Host } from '../../src/base/host.ts';
import { type Digest, sha256Of } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { writeBlob } from '../../src/storage/blob-store.ts';
import { type ImageRecord, recordImage, tagImage } from '../../src/storage/image-store.ts';
import { stageLayer } from '../../src/storage/layer-store.ts';
import type { OwnerKind } from '../../src/storage/layout.ts';
import { ensureDataRoot } from '../../src/storage/roots.ts';

export interface TestHost extends Host {
  /** What was logged as a warning. */
  readonly warnings: string[];
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'ctr-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function temporaryHost(root = temporaryDirectory()): TestHost {
  const warnings: string[] = [];
  const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message) };
  const env = { HOME: root, XDG_DATA_HOME: `${root}/data`, XDG_RUNTIME_DIR: `${root}/run`, XDG_CACHE_HOME: root };
  return { ...createHost({ env, log }), warnings };
}

/** Files below `directory`, by relative path; a path that ends in `/` is an empty directory. */
export function writeTree(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(path.endsWith('/') ? join(directory, path) : dirname(join(directory, path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(directory, path), content);
  }
}

export async function addLayer(host: Host, files: Readonly<Record<string, string>>, kind: OwnerKind = 's') {
  const diffId = sha256Of(JSON.stringify(files));
  const staging = stageLayer(host, { diffId, kind });
  writeTree(staging.diffDir, files);
  return staging.publish(100);
}

/** Blobs, layers, record and names of an image whose content follows from `seed`. */
export async function addImage(host: Host, seed: string, names: readonly string[] = []): Promise<ImageRecord> {
  ensureDataRoot(host);
  const { diffId } = await addLayer(host, { seed });
  const layer = putBlob(host, `layer ${seed}`, mediaTypes.ociLayer);
  const createdAt = '2024-05-01T12:00:00Z';
  const config = putBlob(
    host,
    JSON.stringify({
      created: createdAt,
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'], Labels: { seed } },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: `seed ${seed}` }],
    }),
    mediaTypes.ociConfig,
  );
  const manifest = putBlob(
    host,
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }),
    mediaTypes.ociManifest,
  );
  const sizeBytes = layer.size + config.size + manifest.size;
  const platform = { os: 'linux', architecture: 'amd64' };
  const image = { id: config.digest, config, manifest, diffIds: [diffId], createdAt, sizeBytes, ...platform };
  recordImage(host, image);
  for (const name of names) tagImage(host, parseReference(name), { id: image.id, manifest, target: manifest });
  return image;
}

export function putBlob(host: Host, text: string, mediaType = 'text/plain') {
  const digest: Digest = sha256Of(text);
  writeBlob(host, digest, Buffer.from(text));
  return { mediaType, digest, size: Buffer.byteLength(text) };
}
