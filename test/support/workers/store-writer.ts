/**
 * A process that writes to the store until it is killed: blobs, layers, images, tags, containers, in a loop. Prints a
 * line before it begins and after each round, so that the test knows when to kill.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { createHost } from '../../../src/base/host.ts';
import { withSpaceHint, writeAll } from '../../../src/base/json-file.ts';
import { sha256Of } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { createBlobWriter } from '../../../src/storage/blob-store.ts';
import { allocateContainer, removeContainer } from '../../../src/storage/container-store.ts';
import { recordImage, tagImage } from '../../../src/storage/image-store.ts';
import { stageLayer, syncLayers } from '../../../src/storage/layer-store.ts';
import { lockNow, storeLockOf } from '../../../src/storage/lock.ts';

const [root = '', roundsText = 'Infinity'] = process.argv.slice(2);
const log = { debug() {}, info() {}, warn() {} };
const host = createHost({ env: { HOME: root, XDG_DATA_HOME: `${root}/data`, XDG_RUNTIME_DIR: `${root}/run` }, log });

function put(content: Buffer, mediaType: string) {
  const writer = createBlobWriter(host);
  try {
    writeAll(writer.fd, content);
  } catch (error) {
    writer.discard();
    throw withSpaceHint(error, host.dataRoot);
  }
  const digest = sha256Of(content);
  writer.publish(digest);
  return { mediaType, digest, size: content.length };
}

function unpack(directory: string, content: string): void {
  try {
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(`${directory}/${name}`);
      writeFileSync(`${directory}/${name}/file`, content);
    }
  } catch (error) {
    throw withSpaceHint(error, host.dataRoot);
  }
}

writeSync(1, 'ready\n');
for (let round = 0; round < Number(roundsText); round++) {
  using _lock = lockNow(storeLockOf(host), 'shared');
  // The first eight seeds are the same in every process, so that they collide.
  const seed = round < 8 ? `shared ${round}` : randomBytes(8).toString('hex');
  const layer = put(Buffer.from(`layer ${seed}`.repeat(1000)), mediaTypes.ociLayer);
  const key = { diffId: sha256Of(`diff ${seed}`), kind: 's' } as const;
  using staging = stageLayer(host, key);
  unpack(staging.diffDir, seed);
  await staging.publish(3);
  if (round % 4 === 0) syncLayers(host, [key]);
  const body = { architecture: 'amd64', os: 'linux', seed, rootfs: { type: 'layers', diff_ids: [key.diffId] } };
  const config = put(Buffer.from(JSON.stringify(body)), mediaTypes.ociConfig);
  const image = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  const manifest = put(Buffer.from(JSON.stringify(image)), mediaTypes.ociManifest);
  const platform = { os: 'linux', architecture: 'amd64', sizeBytes: 1 };
  recordImage(host, { id: config.digest, config, manifest, diffIds: [key.diffId], ...platform });
  tagImage(host, parseReference(`test/image:${round % 16}`), { id: config.digest, manifest });
  using container = allocateContainer(host);
  for (const name of ['upper', 'work', 'rootfs']) mkdirSync(`${container.directory}/${name}`);
  container.commit({
    createdAt: new Date().toISOString(),
    imageId: config.digest,
    command: ['true'],
    labels: {},
    diffIds: [key.diffId],
    ownerKind: 's',
    driver: 'vfs',
    request: {},
  });
  if (round % 2 === 0) await removeContainer(host, container.id);
  writeSync(1, `done ${round}\n`);
}
