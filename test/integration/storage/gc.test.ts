import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/oci/digest.ts';
import { hasBlob } from '../../../src/storage/blob-store.ts';
import { checkStore } from '../../../src/storage/check.ts';
import { allocateContainer, findContainerId } from '../../../src/storage/container-store.ts';
import { collectGarbage, listBlobs } from '../../../src/storage/gc.ts';
import { removeImage, untagImage } from '../../../src/storage/image-store.ts';
import { hasLayer, layerDir } from '../../../src/storage/layer-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { lockNow, storeLockOf } from '../../../src/storage/lock.ts';
import { writeSecret } from '../../../src/storage/secret-store.ts';
import { ensureVolume } from '../../../src/storage/volume-store.ts';
import { addImage, addLayer, putBlob, type TestHost, temporaryHost } from '../../support/store.ts';

function createContainer(host: TestHost, diffIds: readonly Digest[], driver: 'vfs' | 'overlay' = 'vfs') {
  using container = allocateContainer(host);
  const rest = { createdAt: '2024-01-01T00:00:00Z', command: [], labels: {}, request: null } as const;
  return container.commit({ ...rest, diffIds, ownerKind: 's', driver });
}

describe('collectGarbage [I]', () => {
  it('keeps what an image needs, with and without a name', async () => {
    const host = temporaryHost();
    await addImage(host, 'named', ['app']);
    await addImage(host, 'dangling');
    const report = await collectGarbage(host);
    expect(report).toEqual({ isComplete: true, blobs: [], layers: [], containers: [], orphans: [], freedBytes: 0 });
    expect(listBlobs(host)).toHaveLength(6);
  });

  it('deletes what a removed image leaves and nothing that another one shares', async () => {
    const host = temporaryHost();
    const kept = await addImage(host, 'kept', ['kept']);
    const gone = await addImage(host, 'gone', ['gone']);
    untagImage(host, 'docker.io/library/gone:latest');
    removeImage(host, gone.id);
    const report = await collectGarbage(host);
    expect(report.freedBytes).toBe(gone.sizeBytes);
    expect([hasBlob(host, gone.config.digest), hasBlob(host, kept.config.digest)]).toEqual([false, true]);
    const layers = [gone, kept].map(({ diffIds }) => hasLayer(host, { diffId: diffIds[0]!, kind: 's' }));
    expect(layers).toEqual([false, true]);
    expect(await checkStore(host)).toEqual([]);
  });

  it('keeps the layers of a container whose image is gone', async () => {
    const host = temporaryHost();
    const layer = await addLayer(host, { a: '' });
    createContainer(host, [layer.diffId]);
    await collectGarbage(host);
    expect(hasLayer(host, layer)).toBe(true);
  });

  it('deletes nothing while somebody adds to the store', async () => {
    const host = temporaryHost();
    const layer = await addLayer(host, { a: '' });
    const pull = lockNow(storeLockOf(host), 'shared');
    expect((await collectGarbage(host)).isComplete).toBe(false);
    expect(hasLayer(host, layer)).toBe(true);
    pull.release();
    expect((await collectGarbage(host)).layers).toEqual([layerDir(host, layer)]);
  });

  it('deletes nothing while a record cannot be read', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    writeFileSync(layout.image(host, image.id.slice(7)), 'damaged');
    const before = listBlobs(host);
    expect((await collectGarbage(host)).isComplete).toBe(false);
    expect(listBlobs(host)).toEqual(before);
    expect(host.warnings[0]).toContain('cannot be read');
  });

  it('says what it would delete, and does not, in a dry run', async () => {
    const host = temporaryHost();
    const layer = await addLayer(host, { a: '' });
    const blob = putBlob(host, 'x');
    expect(await collectGarbage(host, { dryRun: true })).toMatchObject({
      blobs: [blob.digest],
      layers: [layerDir(host, layer)],
      freedBytes: 1,
    });
    expect([hasLayer(host, layer), hasBlob(host, blob.digest)]).toEqual([true, true]);
  });

  it('deletes containers that were never finished, but not one that is being made', async () => {
    const host = temporaryHost();
    using making = allocateContainer(host);
    const halfMade = 'a'.repeat(64);
    mkdirSync(`${layout.container(host, halfMade)}/upper`, { recursive: true });
    expect((await collectGarbage(host)).containers).toEqual([halfMade]);
    expect(readdirSync(layout.containers(host))).toEqual([making.id]);
  });
});

describe('checkStore [I]', () => {
  it('finds nothing wrong in a sound store', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['app']);
    expect(await checkStore(host)).toEqual([]);
  });

  it('finds every kind of damage, repairs what a pull can bring back, and then is content but for that', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    const layer = await addLayer(host, { a: 'torn' });
    const record = `${layerDir(host, layer)}/../layer.json`;
    writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), bootId: 'earlier' }));
    writeFileSync(`${layout.blobs(host, 'sha256')}/${image.manifest.digest.slice(7)}`, 'flipped');
    symlinkSync('../nothing/diff', `${layout.layerLinks(host)}/zzzz`);
    mkdirSync(`${layout.tmp(host)}/orphan`);
    const kinds = (await checkStore(host)).map(({ kind, isRepaired }) => `${kind} ${isRepaired}`);
    expect(new Set(kinds)).toEqual(
      new Set(['blob false', 'layer false', 'link false', 'reference false', 'orphan false']),
    );
    await checkStore(host, { repair: true });
    expect((await checkStore(host)).map(({ kind, path }) => [kind, path])).toEqual([
      ['reference', `${layout.blobs(host, 'sha256')}/${image.manifest.digest.slice(7)}`],
    ]);
  });

  it('makes a short name again, and takes away a tag without an image', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    const { link } = await addLayer(host, { seed: 'x' });
    rmSync(`${layout.layerLinks(host)}/${link}`);
    await checkStore(host, { repair: true });
    expect(existsSync(`${layout.layerLinks(host)}/${link}/seed`)).toBe(true);
    removeImage(host, image.id);
    expect((await checkStore(host, { repair: true })).map(({ kind }) => kind)).toContain('tag');
    expect(readdirSync(layout.tags(host))).toEqual([]);
  });
});

describe('checkStore of what is no image [I]', () => {
  const problems = async (host: TestHost, repair = false) =>
    (await checkStore(host, { repair })).map(({ kind, message }) => `${kind}: ${message}`);

  it('tells of containers that cannot start or be found, and makes a missing name again', async () => {
    const host = temporaryHost();
    const layer = await addLayer(host, { a: '' });
    const { id, name } = createContainer(host, [layer.diffId], 'overlay');
    for (const path of [layout.work(host, id), layout.rootMount(host, id)]) mkdirSync(path);
    rmSync(layout.name(host, name));
    symlinkSync('f'.repeat(64), layout.name(host, 'stale'));
    mkdirSync(layout.container(host, 'a'.repeat(64)));
    const left = [`container: ${name} cannot start: the directory is missing`];
    expect(await problems(host)).toEqual([
      'orphan: half-made: its maker ended before it was complete',
      ...left,
      `name: container ${id.slice(0, 12)} is not found by its name`,
      'orphan: the name of a container that is gone',
    ]);
    await checkStore(host, { repair: true });
    expect(await problems(host)).toEqual(left);
    expect(findContainerId(host, name)).toBe(id);
    rmSync(`${layerDir(host, layer)}/..`, { recursive: true });
    expect(await problems(host)).toContainEqual(expect.stringContaining('of its image is not unpacked; pull it again'));
  });

  it('tells of volumes, networks and secrets that are damaged, deletes only what was never finished', async () => {
    const host = temporaryHost();
    for (const name of ['sound', 'torn', 'emptied', 'copying']) {
      ensureVolume(host, { name, driver: 'local', labels: {}, options: {}, isAnonymous: false });
    }
    writeFileSync(layout.volumeRecord(host, 'torn'), '{"na');
    rmSync(layout.volumeData(host, 'emptied'), { recursive: true });
    mkdirSync(layout.volumeCopy(host, 'copying'));
    const secret = { id: 'i', name: 's', labels: {}, createdAt: '', updatedAt: '', data: '' };
    writeSecret(host, secret);
    writeSecret(host, { ...secret, name: 'torn' });
    writeFileSync(layout.secret(host, 'torn'), 'x');
    chmodSync(layout.secret(host, 's'), 0o644);
    mkdirSync(layout.networks(host));
    writeFileSync(layout.network(host, 'torn'), '{}');
    writeFileSync(`${layout.networks(host)}/net.json.abc.tmp`, '');
    const left = [
      expect.stringMatching(/^volume: its content \(_data\) is missing$/),
      expect.stringMatching(/^volume: its record cannot be read: .*the content is in _data$/),
      expect.stringMatching(/^network: it cannot be read/),
      expect.stringMatching(/^secret: it cannot be read/),
    ];
    const found = await problems(host);
    expect(found).toHaveLength(7);
    expect(found).toEqual(
      expect.arrayContaining([
        ...left,
        'orphan: a copy of an image’s content that was not finished',
        'orphan: left by a write that was interrupted',
        'secret: others may read it: mode 0644, want 0600',
      ]),
    );
    await checkStore(host, { repair: true });
    const after = await problems(host);
    expect(after).toHaveLength(left.length);
    expect(after).toEqual(expect.arrayContaining(left));
    expect(existsSync(layout.secret(host, 'torn'))).toBe(true);
  });
});
