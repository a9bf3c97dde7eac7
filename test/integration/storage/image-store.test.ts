import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../src/oci/reference.ts';
import {
  findImage,
  listImages,
  listTags,
  readTag,
  removeImage,
  resolveImage,
  tagImage,
  untagImage,
} from '../../../src/storage/image-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { addImage, temporaryHost } from '../../support/store.ts';

describe('findImage [I]', () => {
  it.each(['app:1', 'docker.io/library/app:1', 'library/app:1', 'index.docker.io/library/app:1'])(
    'finds a short name by %s',
    async (name) => {
      const host = temporaryHost();
      const image = await addImage(host, 'x', ['app:1']);
      expect(findImage(host, name)?.image).toEqual(image);
    },
  );

  it('takes latest where there is no tag', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['quay.example/team/app:latest']);
    expect(findImage(host, 'quay.example/team/app')?.image.id).toBe(image.id);
  });

  it('prefers localhost/ for a short name, as Podman does for what was built here', async () => {
    const host = temporaryHost();
    await addImage(host, 'remote', ['app']);
    const local = await addImage(host, 'local', ['localhost/app']);
    expect(findImage(host, 'app')?.image.id).toBe(local.id);
  });

  it('finds name@digest where the image came by tag', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x', ['app:1']);
    expect(findImage(host, `app@${image.manifest.digest}`)?.image.id).toBe(image.id);
    expect(findImage(host, `other@${image.manifest.digest}`)).toBeUndefined();
  });

  it('finds an image by digest that was pulled by digest', async () => {
    const host = temporaryHost();
    const image = await addImage(host, 'x');
    const name = `app@${image.manifest.digest}`;
    tagImage(host, parseReference(name), { id: image.id, manifest: image.manifest });
    expect(findImage(host, name)?.image.id).toBe(image.id);
    expect(findImage(host, 'app:latest')).toBeUndefined();
  });

  it('finds an ID in full, with its algorithm, and by its beginning', async () => {
    const host = temporaryHost();
    const { id } = await addImage(host, 'x');
    const hex = id.slice(7);
    for (const name of [id, hex, hex.slice(0, 12), `sha256:${hex.slice(0, 10)}`]) {
      expect(findImage(host, name)?.image.id).toBe(id);
    }
  });

  it('refuses a beginning that several IDs have', async () => {
    const host = temporaryHost();
    const images = await Promise.all(Array.from({ length: 17 }, (_, seed) => addImage(host, `${seed}`)));
    const firsts = images.map(({ id }) => id.slice(7, 8));
    const twice = firsts.find((digit, at) => firsts.indexOf(digit) !== at) ?? '';
    expect(() => findImage(host, twice)).toThrow(/is the beginning of \d+ image IDs/);
  });

  it('finds nothing in a store that does not exist yet', () => {
    expect(findImage(temporaryHost(), 'alpine')).toBeUndefined();
    expect(() => resolveImage(temporaryHost(), 'alpine')).toThrow(/alpine: image not known/);
  });
});

describe('tagImage [I]', () => {
  it('moves a name from one image to another', async () => {
    const host = temporaryHost();
    await addImage(host, 'old', ['app']);
    const image = await addImage(host, 'new', ['app']);
    expect(findImage(host, 'app')?.image.id).toBe(image.id);
    expect(listTags(host)).toHaveLength(1);
    expect(listImages(host)).toHaveLength(2);
  });

  it('takes names that are longer than a file name may be', async () => {
    const host = temporaryHost();
    const name = `registry.example/${'a/'.repeat(110)}app:${'t'.repeat(120)}`;
    const image = await addImage(host, 'x', [name]);
    expect(findImage(host, name)?.image.id).toBe(image.id);
  });

  it('keeps index.json in step, so that other tools can read the store', async () => {
    const host = temporaryHost();
    const { manifest } = await addImage(host, 'x', ['app:1', 'app:2']);
    untagImage(host, 'docker.io/library/app:1');
    const index = JSON.parse(readFileSync(layout.index(host), 'utf8'));
    const annotations = { 'org.opencontainers.image.ref.name': 'docker.io/library/app:2' };
    expect(index.manifests).toEqual([{ ...manifest, annotations }]);
    expect(JSON.parse(readFileSync(layout.ociLayout(host), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  });

  it('leaves no temporary files', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['app:1']);
    for (const directory of [layout.tags(host), layout.images(host), host.dataRoot]) {
      expect(readdirSync(directory).filter((name) => name.includes('.tmp'))).toEqual([]);
    }
  });
});

describe('removal [I]', () => {
  it('says whether there was something to remove', async () => {
    const host = temporaryHost();
    const { id } = await addImage(host, 'x', ['app:1']);
    expect(untagImage(host, 'docker.io/library/app:1')).toBe(true);
    expect(untagImage(host, 'docker.io/library/app:1')).toBe(false);
    expect([removeImage(host, id), removeImage(host, id)]).toEqual([true, false]);
    expect(existsSync(layout.image(host, id.slice(7)))).toBe(false);
  });
});

describe('damaged records [I]', () => {
  it('cost only their own row', async () => {
    const host = temporaryHost();
    await addImage(host, 'x', ['good']);
    await addImage(host, 'y', ['bad']);
    writeFileSync(layout.tag(host, 'docker.io/library/bad:latest'), '{"name":');
    expect(listTags(host).map(({ name }) => name)).toEqual(['docker.io/library/good:latest']);
    expect(host.warnings).toHaveLength(1);
    expect(() => readTag(host, 'docker.io/library/bad:latest')).toThrow(/is not JSON/);
  });
});
