import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDigest, sha256Of } from '../../../src/oci/digest.ts';
import { parseImageConfig } from '../../../src/oci/image-config.ts';
import { isIndex, parseManifest } from '../../../src/oci/manifest.ts';
import { layerCompression, mediaTypes } from '../../../src/oci/media-types.ts';

const digest = sha256Of('content');
const config = { mediaType: mediaTypes.ociConfig, digest, size: 7 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 7 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ mediaType: mediaTypes.ociManifest, digest, size: 7 }] };

describe('parseManifest [U] image-spec manifest.md, image-index.md', () => {
  it('reads an image manifest that names no media type', () => {
    expect(parseManifest(JSON.stringify(manifest))).toEqual({ ...manifest, mediaType: mediaTypes.ociManifest });
  });

  it('takes the Content-Type where the document has no media type of its own, and ignores its parameters', () => {
    const { mediaType } = parseManifest(JSON.stringify(manifest), `${mediaTypes.dockerManifest}; charset=utf-8`);
    expect(mediaType).toBe(mediaTypes.dockerManifest);
    expect(parseManifest(JSON.stringify(manifest), 'text/plain').mediaType).toBe(mediaTypes.ociManifest);
  });

  it('knows an index from an image', () => {
    expect(isIndex(parseManifest(JSON.stringify(index)))).toBe(true);
    expect(isIndex(parseManifest(JSON.stringify({ ...index, mediaType: mediaTypes.dockerList })))).toBe(true);
    expect(isIndex(parseManifest(JSON.stringify(manifest)))).toBe(false);
  });

  it.each([
    ['both at once', { ...manifest, ...index }, 'CVE-2021-41190'],
    ['an index that says it is an image', { ...index, mediaType: mediaTypes.ociManifest }, 'manifest.mediaType'],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'schema 1'],
    ['another schema version', { ...manifest, schemaVersion: 3 }, 'manifest.schemaVersion'],
    ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }, 'manifest.layers[0].size: expected'],
    ['a fraction as size', { ...manifest, layers: [layer, { ...layer, size: 0.5 }] }, 'manifest.layers[1].size'],
    ['a digest that is a path', { ...manifest, config: { ...config, digest: 'sha256:../../etc' } }, 'invalid digest'],
    ['no layers', { schemaVersion: 2, config }, 'manifest.layers: expected an array, but it is missing'],
    ['an array', [], 'manifest: expected an object'],
  ])('refuses %s', (_what, document, message) => {
    expect(() => parseManifest(JSON.stringify(document))).toThrow(message);
  });

  it('answers any bytes with a manifest or a CtrError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), (content) => {
        expect(() => parseManifest(content)).toThrow(expect.objectContaining({ name: 'CtrError' }));
      }),
    );
  });

  it('refuses more than 4 MiB', () => {
    expect(() => parseManifest(' '.repeat(4 * 1024 * 1024 + 1))).toThrow('larger than 4 MiB');
  });
});

describe('layerCompression [U] image-spec media-types.md', () => {
  it.each([
    [mediaTypes.ociLayer, 'none'],
    [mediaTypes.ociLayerGzip, 'gzip'],
    [mediaTypes.ociLayerZstd, 'zstd'],
    [mediaTypes.dockerLayerGzip, 'gzip'],
  ])('knows %s', (type, compression) => {
    expect(layerCompression(type)).toBe(compression);
  });

  it('refuses layers that are not distributed, and what is no layer', () => {
    expect(() => layerCompression('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')).toThrow(
      'not distributed',
    );
    expect(() => layerCompression('application/vnd.oci.image.layer.nondistributable.v1.tar')).toThrow(
      'not distributed',
    );
    expect(() => layerCompression('application/wasm')).toThrow('unknown layer media type');
    expect(() => layerCompression('constructor')).toThrow('unknown layer media type');
  });
});

describe('parseImageConfig [U] image-spec config.md', () => {
  const minimal = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } };

  it('reads null as absent, as Go writes it, and fills what may be left out', () => {
    const parsed = parseImageConfig(
      JSON.stringify({ ...minimal, history: null, config: { Cmd: null, Volumes: null } }),
    );
    expect(parsed).toEqual({ ...minimal, history: [], config: {} });
  });

  it("keeps Docker's additions", () => {
    const config = {
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000 },
      OnBuild: ['RUN x'],
      Shell: ['sh'],
    };
    expect(parseImageConfig(JSON.stringify({ ...minimal, config })).config).toEqual(config);
  });

  it('reads a command of one word, as old Dockers wrote it', () => {
    expect(parseImageConfig(JSON.stringify({ ...minimal, config: { Cmd: 'sh' } })).config.Cmd).toEqual(['sh']);
  });

  it('keeps a label named __proto__ a label', () => {
    const { config } = parseImageConfig(
      `{"architecture":"a","os":"b","rootfs":{"type":"layers"},"config":{"Labels":{"__proto__":"x"}}}`,
    );
    expect(Object.entries(config.Labels ?? {})).toEqual([['__proto__', 'x']]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it('says where the mistake is', () => {
    expect(() => parseImageConfig(JSON.stringify({ ...minimal, config: { Env: ['A=1', 2] } }))).toThrow(
      'image config.config.Env[1]: expected a string',
    );
    expect(() => parseImageConfig('{"a')).toThrow('image config: not valid JSON');
  });
});

describe('parseDigest [U] image-spec descriptor.md "Digests"', () => {
  it('accepts nothing but a known algorithm and lower-case hex digits of its length', () => {
    expect(parseDigest(digest)).toBe(digest);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseDigest(text)).toThrow('invalid digest');
        expect(() => parseDigest(`${digest}${text || '\n'}`)).toThrow('invalid digest');
      }),
    );
    expect(() => parseDigest(digest.toUpperCase())).toThrow('invalid digest');
  });
});
