/** Archives of images are hostile: their names lead nowhere, their digests are checked, what is left is nothing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { copyImage } from '../../src/image/copy.ts';
import { storeDestination } from '../../src/image/store-destination.ts';
import { imagesInDockerArchive } from '../../src/image/transport/docker-archive.ts';
import { archiveFiles, directoryFiles } from '../../src/image/transport/file-set.ts';
import { archiveSink, directorySink } from '../../src/image/transport/file-sink.ts';
import { imageInLayout, imagesInLayout, ociLayoutCollection } from '../../src/image/transport/oci-layout.ts';
import { layout } from '../../src/storage/layout.ts';
import { archiveOf, imageOf, layerOf, writeLayout } from '../support/oci-image.ts';
import { temporaryDirectory, temporaryHost } from '../support/store.ts';

type Entry = Partial<Header> & { name: string; content?: string | Buffer };

const streamOf = async (entries: readonly Entry[]) => Readable.from([await archiveOf(entries)]);
const staged = (host: ReturnType<typeof temporaryHost>) =>
  existsSync(layout.tmp(host)) ? readdirSync(layout.tmp(host)) : [];

describe('archiveFiles [I]', () => {
  it('spools under names of its own: nothing lands outside, links lead only to other entries', async () => {
    const root = temporaryDirectory();
    const host = temporaryHost(root);
    const entries: Entry[] = [
      { name: '../../escaped', content: 'x' },
      { name: '/absolute', content: 'y' },
      { name: 'link', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'a/loop', type: 'symlink', linkname: 'loop' },
      { name: 'a/up', type: 'symlink', linkname: '../absolute' },
    ];
    const files = await archiveFiles(host, 'hostile', await streamOf(entries));
    expect(readFileSync(files.path('escaped') ?? '', 'utf8')).toBe('x');
    expect(files.path('link')).toBeUndefined();
    expect(files.path('a/loop')).toBeUndefined();
    expect(readFileSync(files.path('a/up') ?? '', 'utf8')).toBe('y');
    expect(existsSync(`${root}/escaped`) || existsSync(`${host.dataRoot}/escaped`)).toBe(false);
    files.close();
    expect(staged(host)).toEqual([]);
  });

  it('reads gzip, and refuses what is cut off, leaving nothing', async () => {
    const host = temporaryHost();
    const packed = gzipSync(await archiveOf([{ name: 'a', content: Buffer.alloc(100_000, 7) }]));
    const files = await archiveFiles(host, 'a.tar.gz', Readable.from([packed]));
    expect(readFileSync(files.path('a') ?? '')).toHaveLength(100_000);
    files.close();
    const cut = Readable.from([packed.subarray(0, packed.length / 2)]);
    await expect(archiveFiles(host, 'cut', cut)).rejects.toThrow(/truncated|damaged/);
    expect(staged(host)).toEqual([]);
  });
});

describe('copyImage [I]', () => {
  const image = imageOf([layerOf(Buffer.from('one')), layerOf(Buffer.from('two'))]);
  const layoutIn = (directory: string) => {
    writeLayout(`${directory}/layout`, image, 'it');
    return directoryFiles(`${directory}/layout`);
  };

  it('keeps every byte from a layout to an archive and into the store', async () => {
    const directory = temporaryDirectory();
    const host = temporaryHost(directory);
    const source = imageInLayout(layoutIn(directory), 'it');
    const sink = await archiveSink({ path: `${directory}/it.tar` });
    const first = await copyImage(source, ociLayoutCollection(sink).image(['it']), {}, { host });
    const archive = Readable.from([readFileSync(`${directory}/it.tar`)]);
    const [found] = imagesInLayout(await archiveFiles(host, 'it.tar', archive));
    expect(found?.names).toEqual(['it']);
    const second = await copyImage(found?.source ?? source, storeDestination(host), {}, { host });
    expect(second).toEqual(first);
    expect(readFileSync(layout.blob(host, second.digest))).toEqual(image.manifest);
  });

  it('adds to a layout that has images, and takes a name over', async () => {
    const directory = temporaryDirectory();
    const host = temporaryHost(directory);
    const source = imageInLayout(layoutIn(directory), undefined);
    for (const name of ['a', 'b', 'a']) {
      await copyImage(source, ociLayoutCollection(directorySink(`${directory}/out`)).image([name]), {}, { host });
    }
    const names = imagesInLayout(directoryFiles(`${directory}/out`)).flatMap((one) => one.names);
    expect(names.sort()).toEqual(['a', 'b']);
  });

  it('refuses a blob that is not what the manifest says; the archive does not appear', async () => {
    const directory = temporaryDirectory();
    const host = temporaryHost(directory);
    const lying = imageOf([layerOf(Buffer.from('true'))]);
    const [layer] = lying.layers;
    const tampered = {
      ...lying,
      layers: [{ blob: Buffer.alloc(layer?.blob.length ?? 0), diffId: layer?.diffId ?? '' }],
    };
    writeLayout(`${directory}/layout`, tampered, 'it');
    const files = directoryFiles(`${directory}/layout`);
    const sink = await archiveSink({ path: `${directory}/out.tar` });
    const destination = ociLayoutCollection(sink).image([]);
    await expect(copyImage(imageInLayout(files, 'it'), destination, {}, { host })).rejects.toThrow(/sha256|missing/);
    destination.close();
    expect(readdirSync(directory).filter((name) => name.includes('out.tar'))).toEqual([]);
  });
});

describe('imagesInDockerArchive [I]', () => {
  it('takes a layer that is a link to another, as old Dockers wrote it', async () => {
    const host = temporaryHost();
    const { diffId } = layerOf(Buffer.from('same'));
    const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId, diffId] } };
    const manifest = [{ Config: 'c.json', RepoTags: ['x:1'], Layers: ['a/layer.tar', 'b/layer.tar'] }];
    const entries: Entry[] = [
      { name: 'a/layer.tar', content: 'same' },
      { name: 'b/layer.tar', type: 'symlink', linkname: '../a/layer.tar' },
      { name: 'c.json', content: JSON.stringify(config) },
      { name: 'manifest.json', content: JSON.stringify(manifest) },
    ];
    const [found] = await imagesInDockerArchive(await archiveFiles(host, 'old', await streamOf(entries)));
    const target = await found?.source.target();
    const { layers } = JSON.parse(target?.content.toString() ?? '{}');
    expect(layers.map((layer: { digest: string }) => layer.digest)).toEqual([diffId, diffId]);
  });

  it('refuses a list that does not fit its config', async () => {
    const host = temporaryHost();
    const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } };
    const entries: Entry[] = [
      { name: 'l.tar', content: 'x' },
      { name: 'c.json', content: JSON.stringify(config) },
      { name: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', Layers: ['l.tar'] }]) },
    ];
    const files = await archiveFiles(host, 'odd', await streamOf(entries));
    await expect(imagesInDockerArchive(files)).rejects.toThrow('1 layers, but the image config has 0 diff_ids');
  });
});
