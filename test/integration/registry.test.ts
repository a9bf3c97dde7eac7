import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHost, type Host } from '../../src/base/host.ts';
import { createLog } from '../../src/base/log.ts';
import {
  type AccessOptions,
  createRegistryAccess,
  type RegistryAccess,
} from '../../src/image/transport/registry-access.ts';
import { type UploadRequest, uploadBlob } from '../../src/image/transport/upload.ts';
import { parseDigest, sha256Of } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { imageOf, layerOf, noise, pushImage } from '../support/oci-image.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

let home: string;
let host: Host;
const open: RegistryAccess[] = [];
const retry = { retries: 2, delayMs: 5 };

beforeEach(() => {
  home = mkdtempSync(`${tmpdir()}/ctr-registry-test-`);
  const env = { HOME: home, XDG_RUNTIME_DIR: `${home}/run` };
  host = createHost({ env, log: createLog('error', () => undefined) });
});
afterEach(() => {
  for (const access of open.splice(0)) access.close();
  rmSync(home, { recursive: true, force: true });
});

function connect(registry: string, repository: string, options: AccessOptions = {}) {
  const access = createRegistryAccess(host, { retry, ...options });
  open.push(access);
  return access.connect({ registry, repository, insecure: false, isMirror: false });
}

async function contentOf(stream: { chunks(): AsyncIterable<Uint8Array> }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream.chunks()) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('registry [I] distribution-spec', () => {
  let registry: Registry;
  let proxy: FaultProxy;
  const image = imageOf([layerOf(noise(100_000))]);

  beforeAll(async () => {
    registry = await startRegistry({ deletes: true });
    for (const tag of ['a', 'b', 'c']) await pushImage(registry.url, 'tags', tag, image);
  });
  afterAll(() => registry.stop());
  beforeEach(async () => {
    proxy = await startFaultProxy(registry.host);
  });
  afterEach(() => proxy.stop());

  const upload = (content: Buffer, changes: Partial<UploadRequest> = {}) =>
    uploadBlob(connect(proxy.host, 'up').session, {
      repository: 'up',
      digest: sha256Of(content),
      size: content.length,
      read: (offset, length) => Readable.from([content.subarray(offset, offset + length)]),
      retry,
      ...changes,
    });
  const stored = async (content: Buffer, repository = 'up') =>
    contentOf(await connect(registry.host, repository).registry.getBlob(repository, sha256Of(content), 0));

  it('lists tags over all pages ("Listing Tags")', async () => {
    const { registry: api } = connect(registry.host, 'tags');
    expect((await api.tags('tags')).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await api.catalog()).toContain('tags');
  });

  it('puts, finds and deletes a manifest ("Pushing Manifests")', async () => {
    const { registry: api } = connect(registry.host, 'tags');
    const digest = await api.putManifest('tags', 'd', image.manifest, mediaTypes.ociManifest);
    expect(await api.headManifest('tags', 'd')).toBe(digest);
    expect((await api.getManifest('tags', digest)).content).toEqual(image.manifest);
    await api.deleteManifest('tags', digest);
    expect(await api.headManifest('tags', digest)).toBeUndefined();
    await pushImage(registry.url, 'tags', 'a', image);
  });

  it('lists referrers by the fallback tag where there is no referrers API', async () => {
    const { registry: api } = connect(registry.host, 'tags');
    const subject = sha256Of(image.manifest);
    const entry = { mediaType: mediaTypes.ociManifest, digest: subject, size: image.manifest.length };
    const referrer = { ...entry, artifactType: 'application/x.sbom' };
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [referrer] };
    await api.putManifest('tags', subject.replace(':', '-'), Buffer.from(JSON.stringify(index)), mediaTypes.ociIndex);
    expect(await api.referrers('tags', subject)).toEqual([referrer]);
    expect(await api.referrers('tags', subject, 'application/x.other')).toEqual([]);
  });

  it('uploads a small blob in one request, and not at all the second time', async () => {
    const content = noise(50_000);
    expect(await upload(content)).toBe('uploaded');
    expect(await stored(content)).toEqual(content);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT']);
    expect(await upload(content)).toBe('exists');
  });

  it('uploads a large blob in chunks', async () => {
    const content = noise(1_000_000);
    const progress: number[] = [];
    expect(await upload(content, { chunkBytes: 300_000, onProgress: (bytes) => void progress.push(bytes) })).toBe(
      'uploaded',
    );
    expect(progress).toEqual([300_000, 600_000, 900_000, 1_000_000, 1_000_000]);
    expect(await stored(content)).toEqual(content);
  });

  const count = (wanted: string) => proxy.requests.filter(({ method }) => method === wanted).length;

  it('goes on with an upload where the registry has it', async () => {
    const content = noise(2_000_000);
    proxy.inject(/^PATCH/, { kind: 'header', name: 'x-first', value: 'passes' });
    proxy.inject(/^PATCH/, { kind: 'status', status: 503 });
    expect(await upload(content, { chunkBytes: 500_000 })).toBe('uploaded');
    expect(await stored(content)).toEqual(content);
    expect([count('POST'), count('PATCH'), count('GET')]).toEqual([1, 5, 1]);
  });

  it('begins anew when the registry gave a broken upload up', async () => {
    const content = noise(2_000_000);
    proxy.inject(/^PATCH/, { kind: 'reset-upload', afterBytes: 200_000 });
    expect(await upload(content, { chunkBytes: 500_000 })).toBe('uploaded');
    expect(await stored(content)).toEqual(content);
  });

  it('begins a broken upload in one request anew', async () => {
    const content = noise(400_000);
    proxy.inject(/^PUT/, { kind: 'reset-upload', afterBytes: 100_000 });
    expect(await upload(content)).toBe('uploaded');
    expect(await stored(content)).toEqual(content);
  });

  it('mounts a blob from a sibling repository without sending it', async () => {
    const [layer] = image.layers;
    expect(await upload(layer!.blob, { mountFrom: 'tags' })).toBe('mounted');
    expect(await stored(layer!.blob)).toEqual(layer!.blob);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'POST']);
  });

  it('uploads what cannot be mounted', async () => {
    const content = noise(10_000);
    expect(await upload(content, { mountFrom: 'nowhere' })).toBe('uploaded');
  });

  it('reads a part of a blob', async () => {
    const [layer] = image.layers;
    const { registry: api } = connect(registry.host, 'tags');
    const stream = await api.getBlob('tags', parseDigest(sha256Of(layer!.blob)), 1000);
    expect(stream.start).toBe(1000);
    expect(await contentOf(stream)).toEqual(layer!.blob.subarray(1000));
  });

  it('says what the registry said, made fit for a terminal', async () => {
    const errors = [{ code: 'DENIED', message: 'no \u001b[31mway' }];
    proxy.inject(/manifests/, { kind: 'status', status: 403, body: JSON.stringify({ errors }) });
    await expect(connect(proxy.host, 'x').registry.getManifest('x', 'y')).rejects.toMatchObject({
      code: 'DENIED',
      message: expect.stringContaining('403 (no ?[31mway)'),
    });
  });

  it('refuses a manifest of more than 4 MiB', async () => {
    proxy.inject(/manifests/, { kind: 'status', status: 200, body: ' '.repeat(5 * 1024 * 1024) });
    await expect(connect(proxy.host, 'x').registry.getManifest('x', 'y')).rejects.toThrow('larger than 4194304');
  });
});

describe('registry with authentication [I]', () => {
  let registry: Registry;
  const users = { alice: 'wonder:land' };
  const alice = { username: 'alice', password: 'wonder:land' };

  beforeAll(async () => {
    registry = await startRegistry({ htpasswd: users });
  });
  afterAll(() => registry.stop());

  it('lets in who has the password, by --creds', async () => {
    await connect(registry.host, 'x', { creds: alice }).registry.ping();
  });

  it('tells who has none to log in', async () => {
    await expect(connect(registry.host, 'x').registry.ping()).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      hint: expect.stringContaining(`ctr login ${registry.host}`),
    });
  });

  it('shows the password in no error', async () => {
    const creds = { username: 'alice', password: 'guess-me-not' };
    const error: unknown = await connect(registry.host, 'x', { creds })
      .registry.ping()
      .catch((thrown) => thrown);
    const text = JSON.stringify([error, String(error), error instanceof Error ? [error.stack, error.cause] : []]);
    expect(error).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(text).not.toMatch(/guess-me-not|Z3Vlc3M/);
  });

  it('gives the password to no other host that it is redirected to', async () => {
    const seen: Array<string | undefined> = [];
    const elsewhere: Server = createServer((request, answer) => {
      seen.push(request.headers.authorization);
      answer.end('content');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const proxy = await startFaultProxy(registry.host);
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/blob?signature=x`;
    const challenge = { 'WWW-Authenticate': 'Basic realm="x"' };
    proxy.inject(/blobs/, { kind: 'status', status: 401, headers: challenge });
    proxy.inject(/blobs/, { kind: 'status', status: 307, headers: { location } });
    try {
      const { registry: api } = connect(proxy.host, 'x', { creds: alice });
      expect(String(await contentOf(await api.getBlob('x', sha256Of('content'), 0)))).toBe('content');
      expect(proxy.requests.map(({ authorization }) => authorization !== undefined)).toEqual([false, true]);
      expect(seen).toEqual([undefined]);
    } finally {
      await proxy.stop();
      elsewhere.close();
      elsewhere.closeAllConnections();
    }
  });
});

describe('registry with TLS [I] containers-certs.d(5)', () => {
  let registry: Registry;

  beforeAll(async () => {
    registry = await startRegistry({ tls: true });
  });
  afterAll(() => registry.stop());

  it('is not trusted without its CA, and the error says what to do', async () => {
    await expect(connect(registry.host, 'x').registry.ping()).rejects.toMatchObject({
      code: 'NETWORK',
      hint: expect.stringContaining('certs.d'),
    });
  });

  it('is trusted by the CA in certs.d of the user', async () => {
    const directory = `${home}/.config/containers/certs.d/${registry.host}`;
    mkdirSync(directory, { recursive: true });
    copyFileSync(registry.caFile ?? '', `${directory}/ca.crt`);
    await connect(registry.host, 'x').registry.ping();
  });

  it('is trusted by the CA in --cert-dir, and by SSL_CERT_FILE', async () => {
    mkdirSync(`${home}/certs`);
    copyFileSync(registry.caFile ?? '', `${home}/certs/any.crt`);
    await connect(registry.host, 'x', { certDir: `${home}/certs` }).registry.ping();
    const env = { HOME: home, XDG_RUNTIME_DIR: home, SSL_CERT_FILE: registry.caFile ?? '' };
    host = createHost({ env, log: host.log });
    await connect(registry.host, 'x').registry.ping();
  });

  it('is reached without a check by --tls-verify=false', async () => {
    await connect(registry.host, 'x', { tlsVerify: false }).registry.ping();
  });
});

describe('registry without TLS [I]', () => {
  it('is reached on loopback, and with --tls-verify=false', async () => {
    const registry = await startRegistry();
    try {
      await connect(registry.host, 'x').registry.ping();
      await connect(`localhost:${registry.port}`, 'x', { tlsVerify: false }).registry.ping();
    } finally {
      await registry.stop();
    }
  });

  it('is a connection refused, and no puzzle, when nobody listens', async () => {
    const error = connect('127.0.0.1:9', 'x', { retry: { retries: 0 } }).registry.ping();
    await expect(error).rejects.toThrow('127.0.0.1:9/v2/: connection refused');
  });
});

describe('a proxy [I] HTTPS_PROXY, NO_PROXY', () => {
  it('is used for all hosts but those in NO_PROXY', async () => {
    const registry = await startRegistry({ tls: true });
    const tunnels: string[] = [];
    const server = createServer();
    server.on('connect', (request, client: Socket) => {
      tunnels.push(request.url ?? '');
      const upstream = createConnection(registry.port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      client
        .pipe(upstream)
        .pipe(client)
        .on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { HOME: home, XDG_RUNTIME_DIR: home, HTTPS_PROXY: proxy, SSL_CERT_FILE: registry.caFile ?? '' };
    try {
      host = createHost({ env, log: host.log });
      await connect(registry.host, 'x').registry.ping();
      host = createHost({ env: { ...env, NO_PROXY: 'localhost' }, log: host.log });
      await connect(registry.host, 'x').registry.ping();
      expect(tunnels).toEqual([registry.host]);
    } finally {
      for (const access of open.splice(0)) access.close();
      server.close();
      await registry.stop();
    }
  });
});
