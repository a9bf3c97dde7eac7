import { describe, expect, it } from 'vitest';
import { inspectImage } from '../../../src/engine/image-inspect.ts';
import { pruneImages, removeImages } from '../../../src/engine/image-remove.ts';
import {
  addTags,
  describeImage,
  imageExists,
  imageHistory,
  listStoredImages,
  removeTags,
} from '../../../src/engine/images.ts';
import { hasBlob } from '../../../src/storage/blob-store.ts';
import { allocateContainer, type ContainerRecord, removeContainer } from '../../../src/storage/container-store.ts';
import type { ImageRecord } from '../../../src/storage/image-store.ts';
import { addImage, type TestHost, temporaryHost } from '../../support/store.ts';

function createContainer(host: TestHost, image: ImageRecord): ContainerRecord {
  using container = allocateContainer(host, 'user-of-it');
  const rest = { createdAt: '2024-01-01T00:00:00Z', command: [], labels: {}, request: null } as const;
  return container.commit({ ...rest, imageId: image.id, diffIds: image.diffIds, ownerKind: 's', driver: 'vfs' });
}

const names = (host: TestHost, filter = {}) => listStoredImages(host, filter).flatMap((summary) => summary.names);

describe('listStoredImages [I]', () => {
  it('shows names, digests and the size of the unpacked layers', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app:1', 'quay.example/app:2']);
    expect(listStoredImages(host)).toEqual([
      {
        image,
        names: ['docker.io/library/app:1', 'quay.example/app:2'],
        repoDigests: [`docker.io/library/app@${image.manifest.digest}`, `quay.example/app@${image.manifest.digest}`],
        sizeBytes: 100,
      },
    ]);
  });

  it('finds dangling images and others', async () => {
    const host = temporaryHost();
    await addImage(host, 'a', ['app']);
    const dangling = await addImage(host, 'b');
    expect(listStoredImages(host, { isDangling: true }).map(({ image }) => image.id)).toEqual([dangling.id]);
    expect(names(host, { isDangling: false })).toEqual(['docker.io/library/app:latest']);
  });

  it.each(['app', 'app:3*', 'docker.io/library/app', 'a?p', 'docker.io/*/app:3.1'])(
    'matches the reference %s',
    async (pattern) => {
      const host = temporaryHost();
      await addImage(host, 'a', ['app:3.1']);
      await addImage(host, 'b', ['other:3.1']);
      expect(names(host, { references: [pattern] })).toEqual(['docker.io/library/app:3.1']);
    },
  );

  it('matches labels by key and by value', async () => {
    const host = temporaryHost();
    await addImage(host, 'a', ['app-a']);
    await addImage(host, 'b', ['app-b']);
    expect(names(host, { labels: ['seed=a'] })).toEqual(['docker.io/library/app-a:latest']);
    expect(names(host, { labels: ['seed', 'toString'] })).toEqual([]);
  });
});

describe('addTags and removeTags [I]', () => {
  it('give and take names', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['app:1']);
    await addTags(host, 'app:1', ['app:2', 'other.example/app']);
    expect(names(host)).toEqual(['docker.io/library/app:1', 'docker.io/library/app:2', 'other.example/app:latest']);
    expect(removeTags(host, 'app:1', ['app:2'])).toEqual(['docker.io/library/app:2']);
    removeTags(host, 'app:1');
    expect(names(host)).toEqual([]);
    expect(listStoredImages(host)).toHaveLength(1);
  });

  it('claim no registry digest for a repository that the image was never in', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app:1']);
    await addTags(host, 'app:1', ['other.example/app']);
    expect(describeImage(host, 'app:1').repoDigests).toEqual([`docker.io/library/app@${image.manifest.digest}`]);
  });

  it('refuse a name with a digest, and a name of another image', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    await addImage(host, 'y', ['other']);
    await expect(addTags(host, 'app', [`app@${image.manifest.digest}`])).rejects.toThrow(/digest reference/);
    expect(() => removeTags(host, 'app', ['other'])).toThrow(/tag not known/);
  });
});

describe('removeImages [I] podman-rmi(1)', () => {
  it('takes one of several names away and keeps the image', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['app:1', 'app:2']);
    const removed = await removeImages(host, ['app:1']);
    expect(removed).toMatchObject({ untagged: ['docker.io/library/app:1'], deleted: [], exitCode: 0 });
    expect(imageExists(host, 'app:2')).toBe(true);
  });

  it('deletes the image and its data with the last name', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    const removed = await removeImages(host, ['app']);
    expect(removed).toMatchObject({ deleted: [image.id], freedBytes: image.sizeBytes, exitCode: 0 });
    expect(hasBlob(host, image.config.digest)).toBe(false);
  });

  it('asks for force where an ID has several names, and then takes all', async () => {
    const host = temporaryHost();
    const { id } = await addImage(host, 'x', ['app:1', 'app:2']);
    expect(await removeImages(host, [id])).toMatchObject({ deleted: [], exitCode: 125 });
    expect(await removeImages(host, [id], { force: true })).toMatchObject({ deleted: [id], exitCode: 0 });
    expect(listStoredImages(host)).toEqual([]);
  });

  it('exits with 1 when an image does not exist, and removes the others', async () => {
    const host = temporaryHost();
    const { id } = await addImage(host, 'x', ['app']);
    expect(await removeImages(host, ['none', 'app'])).toMatchObject({ deleted: [id], exitCode: 1 });
    expect(await removeImages(host, ['none'], { ignore: true })).toMatchObject({ errors: [], exitCode: 0 });
  });

  it('exits with 2 when a container uses the image, and removes that container by force', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app']);
    createContainer(host, image);
    const refused = await removeImages(host, ['app']);
    expect(refused.exitCode).toBe(2);
    expect(refused.errors[0]?.message).toMatch(/image used by container [0-9a-f]{12} \(user-of-it\)/);
    const remove = async ({ id }: ContainerRecord) => void (await removeContainer(host, id));
    expect(await removeImages(host, ['app'], { force: true, removeContainer: remove })).toMatchObject({ exitCode: 0 });
  });
});

describe('pruneImages [I]', () => {
  it('deletes dangling images, and with `all` those without containers', async () => {
    const host = temporaryHost();
    const dangling = await addImage(host, 'dangling');
    const unused = await addImage(host, 'unused', ['unused']);
    createContainer(host, await addImage(host, 'used', ['used']));
    expect((await pruneImages(host, { all: false })).deleted).toEqual([dangling.id]);
    expect((await pruneImages(host, { all: true })).deleted).toEqual([unused.id]);
    expect(names(host)).toEqual(['docker.io/library/used:latest']);
  });
});

describe('inspectImage [I]', () => {
  it('has the members that scripts for Docker read', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app:1']);
    expect(inspectImage(host, 'app:1', 'docker')).toMatchObject({
      Id: image.id,
      RepoTags: ['app:1'],
      RepoDigests: [`app@${image.manifest.digest}`],
      Created: '2024-05-01T12:00:00Z',
      Config: { Cmd: ['sh'], Labels: { seed: 'x' } },
      Architecture: 'amd64',
      Os: 'linux',
      Size: 100,
      RootFS: { Type: 'layers', Layers: image.diffIds },
    });
  });

  it('has full names and a bare ID for scripts for Podman', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app:1']);
    expect(inspectImage(host, 'app:1', 'podman')).toMatchObject({
      Id: image.id.slice(7),
      Digest: image.manifest.digest,
      RepoTags: ['docker.io/library/app:1'],
      Labels: { seed: 'x' },
    });
  });

  it('knows the history', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['app']);
    expect(imageHistory(host, 'app')).toEqual([{ created_by: 'seed x' }]);
  });
});
