import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHost, type Host } from '../../src/base/host.ts';
import { createLog } from '../../src/base/log.ts';
import { ensureUnpacked, type PullRequest, pullAllTags, pullImage } from '../../src/image/pull.ts';
import { hexOf, parseDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { blobPath, hasBlob } from '../../src/storage/blob-store.ts';
import { findImage, listImages, listTags } from '../../src/storage/image-store.ts';
import { hasLayer } from '../../src/storage/layer-store.ts';
import { layout } from '../../src/storage/layout.ts';
import { type CheckingUnpacker, checkingUnpacker } from '../support/checking-unpacker.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import {
  type Descriptor,
  digestOf,
  type Image,
  imageOf,
  layerOf,
  noise,
  pushImage,
  writeLayout,
} from '../support/oci-image.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

let registry: Registry;
let proxy: FaultProxy;
let dir: string;
let host: Host;
let unpacker: CheckingUnpacker;
let warnings: string[];

/** Two layers; the first is large enough to be interrupted in the middle. */
const image: Image = imageOf([layerOf(noise(3_000_000)), layerOf(Buffer.from('small'))]);
const [large, small] = image.layers;
const blobOf = (index: number) => new RegExp(`^GET .*/blobs/${digestOf(image.layers[index]!.blob)}`);

beforeAll(async () => {
  registry = await startRegistry();
  await pushImage(registry.url, 'team/app', '1', image);
  await pushImage(registry.url, 'team/app', '2', image);
});
afterAll(() => registry.stop());

beforeEach(async () => {
  proxy = await startFaultProxy(registry.host);
  dir = mkdtempSync(`${tmpdir()}/ctr-pull-`);
  warnings = [];
  host = hostIn(dir);
  unpacker = checkingUnpacker(host);
});
afterEach(async () => {
  expect(unpacker.complaints).toEqual([]);
  const left = existsSync(layout.tmp(host)) ? readdirSync(layout.tmp(host)) : [];
  expect(left).toEqual([]);
  await proxy.stop();
  rmSync(dir, { recursive: true, force: true });
});

function hostIn(home: string, env: Record<string, string> = {}): Host {
  const log = createLog('warn', (line) => void warnings.push(line));
  writeFileSync(`${home}/registries.conf`, '');
  const basics = { HOME: home, XDG_RUNTIME_DIR: `${home}/run`, CONTAINERS_REGISTRIES_CONF: `${home}/registries.conf` };
  return createHost({ root: `${home}/data`, runroot: `${home}/run/ctr`, env: { ...basics, ...env }, log });
}

function pull(changes: Partial<PullRequest> = {}) {
  const retry = { retries: 3, delayMs: 5 };
  const request: PullRequest = { name: `${proxy.host}/team/app:1`, policy: 'always', retry, ...changes };
  return pullImage(request, { host, ownerKind: 's', unpacker: unpacker.factory });
}

const isComplete = () =>
  image.layers.every(
    ({ blob, diffId }) =>
      hasBlob(host, parseDigest(digestOf(blob)), blob.length) &&
      hasLayer(host, { diffId: parseDigest(diffId), kind: 's' }),
  );

describe('pullImage [I] distribution-spec "Pull"', () => {
  it('stores manifest, config and layers under their digests and records image and name', async () => {
    const pulled = await pull();
    expect(isComplete()).toBe(true);
    expect(pulled.digest).toBe(digestOf(image.manifest));
    expect(pulled.image.id).toBe(digestOf(image.config));
    expect(findImage(host, `${proxy.host}/team/app:1`)?.image).toEqual(pulled.image);
    for (const { blob } of image.layers) {
      expect(digestOf(readFileSync(blobPath(host, parseDigest(digestOf(blob)))))).toBe(digestOf(blob));
    }
    expect(unpacker.events.toSorted()).toEqual(['begin', 'begin', 'close', 'done', 'done']);
  });

  it('fetches nothing but the manifest when all is there, and starts no unpacker', async () => {
    await pull();
    const before = proxy.requests.length;
    unpacker = checkingUnpacker(host);
    await pull();
    expect(proxy.requests.slice(before).map(({ url }) => url)).toEqual(['/v2/team/app/manifests/1']);
    expect(unpacker.events).toEqual([]);
  });

  it('downloads while the unpacker is still starting', async () => {
    unpacker = checkingUnpacker(host, 200);
    await pull();
    expect(isComplete()).toBe(true);
  });

  it('pulls by digest and records the name with it', async () => {
    const name = `${proxy.host}/team/app@${digestOf(image.manifest)}`;
    await pull({ name });
    expect(listTags(host).map((tag) => tag.name)).toEqual([name]);
  });

  it('pulls the same image twice at once', async () => {
    await Promise.all([pull(), pull(), pull({ name: `${proxy.host}/team/app:2` })]);
    expect(isComplete()).toBe(true);
    expect(listImages(host).length).toBe(1);
  });

  it('pulls all tags of a repository', async () => {
    const request = { name: `${proxy.host}/team/app` };
    const pulled = await pullAllTags(request, { host, ownerKind: 's', unpacker: unpacker.factory });
    expect(pulled.map(({ reference }) => reference?.tag).toSorted()).toEqual(['1', '2']);
  });

  it('unpacks from the blob, without a network, what is no longer unpacked', async () => {
    const { image: record } = await pull();
    rmSync(layout.layer(host, hexOf(parseDigest(large!.diffId)), 's'), { recursive: true });
    const before = proxy.requests.length;
    expect(await ensureUnpacked(record, { host, ownerKind: 's', unpacker: unpacker.factory })).toBe(true);
    expect(isComplete()).toBe(true);
    expect(proxy.requests.length).toBe(before);
  });

  it('reports every layer from waiting to done', async () => {
    const states = new Map<string, Set<string>>();
    const progress = {
      layer: (digest: string, { state }: { state: string }) =>
        void states.set(digest, (states.get(digest) ?? new Set()).add(state)),
    };
    await pullImage(
      { name: `${proxy.host}/team/app:1`, policy: 'always' },
      { host, ownerKind: 's', unpacker: unpacker.factory, progress },
    );
    expect([...states.get(digestOf(large!.blob))!]).toEqual(['waiting', 'downloading', 'unpacking', 'done']);
    expect(states.size).toBe(2);
  });

  it.each([
    ['missing', 0],
    ['newer', 1],
    ['never', 0],
    ['always', 1],
  ] as const)('with policy %s asks the registry %i times for an image that is there', async (policy, times) => {
    await pull();
    const before = proxy.requests.length;
    await pull({ policy });
    expect(proxy.requests.length - before).toBe(times);
  });

  it('with policy newer fetches an image that changed, and keeps the old one when the registry is away', async () => {
    const changed = imageOf([layerOf(Buffer.from('changed'))]);
    await pushImage(registry.url, 'team/moving', 'latest', image);
    const name = `${proxy.host}/team/moving`;
    await pull({ name });
    await pushImage(registry.url, 'team/moving', 'latest', changed);
    expect((await pull({ name, policy: 'newer' })).image.id).toBe(digestOf(changed.config));
    await proxy.stop();
    expect((await pull({ name, policy: 'newer', retry: { retries: 0 } })).outcome).toBe('present');
  });

  it('with policy never says that the image is not known', async () => {
    await expect(pull({ policy: 'never' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(proxy.requests).toEqual([]);
  });
});

describe('pullImage from an index [I] image-spec image-index.md', () => {
  const push = async (repository: string, document: unknown) => {
    const headers = { 'content-type': 'application/vnd.oci.image.index.v1+json' };
    const body = JSON.stringify(document);
    const answer = await fetch(`${registry.url}/v2/${repository}/manifests/multi`, { method: 'PUT', headers, body });
    expect(answer.status).toBe(201);
    return digestOf(Buffer.from(body));
  };
  const entry = (architecture: string) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(image.manifest),
    size: image.manifest.length,
    platform: { os: 'linux', architecture },
  });

  it('chooses the platform and remembers the digest of the index', async () => {
    const mine = process.arch === 'x64' ? 'amd64' : process.arch;
    const digest = await push('team/app', { schemaVersion: 2, manifests: [entry('riscv64'), entry(mine)] });
    const pulled = await pull({ name: `${proxy.host}/team/app:multi` });
    expect(pulled.digest).toBe(digest);
    expect(pulled.image.manifest.digest).toBe(digestOf(image.manifest));
  });

  it('says what there is when no platform fits', async () => {
    await push('team/app', { schemaVersion: 2, manifests: [entry('riscv64')] });
    await expect(pull({ name: `${proxy.host}/team/app:multi`, platform: 'linux/s390x' })).rejects.toMatchObject({
      message: 'no image found in image index for architecture "s390x", variant "", OS "linux"',
      hint: 'it has linux/riscv64; choose with --platform',
    });
  });
});

describe('pullImage of every kind of layer [I] image-spec media-types.md', () => {
  it('pulls Docker schema 2, written by skopeo', async () => {
    writeLayout(`${dir}/layout`, image, 'latest');
    const flags = ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', '--format', 'v2s2'];
    const name = `${registry.host}/copied/app`;
    execFileSync('skopeo', [...flags, `oci:${dir}/layout:latest`, `docker://${name}:latest`]);
    const { image: record } = await pull({ name });
    expect(record.diffIds).toEqual(image.layers.map(({ diffId }) => diffId));
    expect(record.manifest.mediaType).toBe(mediaTypes.dockerManifest);
  });

  it.each([
    [mediaTypes.ociLayer, (archive: Buffer) => archive],
    [mediaTypes.ociLayerZstd, (archive: Buffer) => zstdCompressSync(archive)],
  ])('pulls %s', async (mediaType, compress) => {
    const archive = noise(10_000);
    const retyped = (layers: Descriptor[]) => layers.map((one) => ({ ...one, mediaType }));
    const wanted = imageOf([{ blob: compress(archive), diffId: digestOf(archive) }], {}, retyped);
    await pushImage(registry.url, 'team/kinds', 'latest', wanted);
    expect((await pull({ name: `${registry.host}/team/kinds` })).image.diffIds).toEqual([digestOf(archive)]);
  });

  it('refuses what is no layer before anything is fetched', async () => {
    const foreign = (layers: Descriptor[]) => layers.map((one) => ({ ...one, mediaType: 'application/wasm' }));
    await pushImage(registry.url, 'team/odd', 'latest', imageOf(image.layers, {}, foreign));
    await expect(pull({ name: `${registry.host}/team/odd` })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(unpacker.events).toEqual([]);
  });

  it('refuses a config that has not as many diff_ids as there are layers', async () => {
    const fewer = imageOf(image.layers, {}, (layers) => layers.slice(1));
    await pushImage(registry.url, 'team/fewer', 'latest', fewer);
    await expect(pull({ name: `${registry.host}/team/fewer` })).rejects.toThrow('1 layers, but the image config has 2');
  });
});

describe('pullImage through a bad network [I]', () => {
  it('resumes a broken download where it broke, in the same file', async () => {
    proxy.inject(blobOf(0), { kind: 'reset', afterBytes: 1_000_000 });
    await pull();
    expect(isComplete()).toBe(true);
    const [first, second] = proxy.requests.filter(({ url }) => url.endsWith(digestOf(large!.blob)));
    expect(first?.range).toBeUndefined();
    expect(Number(/^bytes=(\d+)-$/.exec(second?.range ?? '')?.[1])).toBeGreaterThan(100_000);
    expect(warnings.join()).toContain('trying again');
  });

  it('goes on with a registry that does no ranges', async () => {
    proxy.inject(blobOf(0), { kind: 'reset', afterBytes: 1_000_000 });
    proxy.inject(blobOf(0), { kind: 'ignore-range' });
    await pull();
    expect(isComplete()).toBe(true);
  });

  it('survives more breaks than retries as long as every attempt brings something', async () => {
    proxy.inject(blobOf(0), { kind: 'reset', afterBytes: 300_000 }, 6);
    await pull({ retry: { retries: 1, delayMs: 1 } });
    expect(isComplete()).toBe(true);
  });

  it.each([
    ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'Retry-After': '0' } }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['a truncated body', { kind: 'truncate', afterBytes: 500_000 }],
  ] as const)('gets over %s', async (_what, fault) => {
    proxy.inject(blobOf(0), fault, 2);
    proxy.inject(/GET .*manifests/, fault.kind === 'status' ? fault : { kind: 'status', status: 502 });
    await pull();
    expect(isComplete()).toBe(true);
  });

  it('gives up after the retries with the status and what the user can do', async () => {
    proxy.inject(/GET .*manifests/, { kind: 'status', status: 429 }, 99);
    await expect(pull()).rejects.toMatchObject({
      message: expect.stringContaining('/v2/team/app/manifests/1: 429'),
      hint: expect.stringContaining('ctr login'),
    });
    expect(proxy.requests.length).toBe(4);
  });

  it.each([
    ['a changed byte', { kind: 'lie', atByte: 2_000_000 }, 'has the digest'],
    ['more than announced', { kind: 'append', text: 'x' }, 'is longer than'],
  ] as const)('keeps nothing of a layer with %s', async (_what, fault, message) => {
    proxy.inject(blobOf(0), fault, 99);
    await expect(pull()).rejects.toMatchObject({ code: 'VERIFY', message: expect.stringContaining(message) });
    expect(hasBlob(host, parseDigest(digestOf(large!.blob)))).toBe(false);
    expect(hasLayer(host, { diffId: parseDigest(large!.diffId), kind: 's' })).toBe(false);
    expect([listImages(host), listTags(host)]).toEqual([[], []]);
    expect(unpacker.events).toContain('aborted');
  });

  it('goes on after a failure with what was complete', async () => {
    proxy.inject(blobOf(0), { kind: 'status', status: 404 });
    await expect(pull()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await pull();
    expect(isComplete()).toBe(true);
  });

  it('refuses a manifest that is not what its digest says', async () => {
    proxy.inject(/GET .*manifests/, { kind: 'lie', atByte: 10 });
    const name = `${proxy.host}/team/app@${digestOf(image.manifest)}`;
    await expect(pull({ name })).rejects.toMatchObject({ code: 'VERIFY' });
  });

  it('refuses a layer whose content is not its diff_id', async () => {
    const lying = imageOf([{ ...small!, diffId: large!.diffId }]);
    await pushImage(registry.url, 'team/lying', 'latest', lying);
    await expect(pull({ name: `${proxy.host}/team/lying` })).rejects.toThrow(`is not ${large!.diffId}`);
    expect(listImages(host)).toEqual([]);
  });

  it('ends at once, and cleanly, when it is cancelled', async () => {
    proxy.inject(blobOf(0), { kind: 'stall', afterBytes: 1_000_000 });
    const cancel = new AbortController();
    const deps = { host, ownerKind: 's', unpacker: unpacker.factory, signal: cancel.signal } as const;
    const pulling = pullImage({ name: `${proxy.host}/team/app:1`, policy: 'always' }, deps);
    setTimeout(() => cancel.abort(new Error('interrupted')), 300);
    await expect(pulling).rejects.toThrow('interrupted');
  });
});

describe('pullImage by registries.conf [I]', () => {
  it('takes the mirror, and the registry itself when the mirror has nothing', async () => {
    const conf = (mirror: string) => `
      [[registry]]
      prefix = "images.example"
      location = "${proxy.host}"
      [[registry.mirror]]
      location = "${mirror}"`;
    writeFileSync(`${dir}/registries.conf`, conf(`${registry.host}`));
    await pull({ name: 'images.example/team/app:1' });
    expect(proxy.requests).toEqual([]);
    writeFileSync(`${dir}/registries.conf`, conf(`${registry.host}/nothing`));
    await pull({ name: 'images.example/team/app:2' });
    expect(proxy.requests.length).toBe(1);
    expect(listTags(host).map(({ name }) => name)).toEqual(['images.example/team/app:1', 'images.example/team/app:2']);
  });

  it('searches the registries for a short name and tells about all of them when none has it', async () => {
    writeFileSync(`${dir}/registries.conf`, `unqualified-search-registries = ["${proxy.host}", "${registry.host}"]`);
    proxy.inject(/manifests/, { kind: 'status', status: 404 });
    const { reference } = await pull({ name: 'team/app:1' });
    expect(reference?.domain).toBe(registry.host);
    await expect(pull({ name: 'team/none' })).rejects.toThrow(
      new RegExp(`${proxy.host}/v2/team/none.*\n.*${registry.host}/v2/team/none`),
    );
  });
});
