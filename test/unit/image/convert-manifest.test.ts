import { describe, expect, it } from 'vitest';
import { convertManifest, formatOf, knownCompression, layerTypeFor } from '../../../src/image/convert-manifest.ts';
import { sha256Of } from '../../../src/oci/digest.ts';
import type { ImageManifest } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';

const descriptor = (mediaType: string, seed = 'x') => ({ mediaType, digest: sha256Of(seed), size: 1 });
const oci: ImageManifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: descriptor(mediaTypes.ociConfig),
  layers: [descriptor(mediaTypes.ociLayerGzip, 'a'), descriptor(mediaTypes.ociLayer, 'b')],
  annotations: { a: 'b' },
};

describe('convertManifest [U]', () => {
  it('is the same object where nothing changes, so that its bytes can be kept', () => {
    expect(convertManifest(oci, oci.layers, 'oci')).toBe(oci);
  });

  it('goes to schema 2 and back; digests stay, annotations go', () => {
    const docker = convertManifest(oci, oci.layers, 'v2s2');
    expect(formatOf(docker)).toBe('v2s2');
    expect(docker.annotations).toBeUndefined();
    expect(docker.layers.map(({ mediaType }) => mediaType)).toEqual([
      mediaTypes.dockerLayerGzip,
      mediaTypes.dockerLayer,
    ]);
    expect(convertManifest(docker, docker.layers, 'oci')).toEqual({ ...oci, annotations: undefined });
  });

  it('knows no zstd in schema 2', () => {
    const zstd = { ...oci, layers: [descriptor(mediaTypes.ociLayerZstd, 'z')] };
    expect(() => convertManifest(zstd, zstd.layers, 'v2s2')).toThrow('no zstd');
  });

  it('leaves artifacts as they are, and gives them no form that they do not have', () => {
    const artifact = { ...oci, config: descriptor(mediaTypes.ociEmpty), layers: [descriptor('text/plain', 't')] };
    expect(convertManifest(artifact, artifact.layers, 'oci')).toBe(artifact);
    expect(() => convertManifest(artifact, artifact.layers, 'v2s2')).toThrow('artifact');
    expect(knownCompression('text/plain')).toBeUndefined();
  });

  it('keeps the family of a layer’s media type when its compression changes', () => {
    expect(layerTypeFor(descriptor(mediaTypes.dockerLayer), 'gzip')).toBe(mediaTypes.dockerLayerGzip);
    expect(layerTypeFor(descriptor(mediaTypes.ociLayerGzip), 'zstd')).toBe(mediaTypes.ociLayerZstd);
  });
});
