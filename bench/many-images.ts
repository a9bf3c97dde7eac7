/** An archive of many small images, as `docker save` writes it: one layer that all have, a config each. */
import { createHash } from 'node:crypto';
import { archiveOf } from '../test/support/oci-image.ts';

export async function manyImages(count: number): Promise<Buffer> {
  const layer = await archiveOf([{ name: 'file', content: 'the same in all\n' }]);
  const diffId = `sha256:${sha256(layer)}`;
  const configs = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: new Date(Date.UTC(2024, 0, 1) + at * 60_000).toISOString(),
      config: { Labels: { number: String(at) } },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'bench' }],
    }),
  );
  const manifest = configs.map((config, at) => ({
    Config: `${sha256(config)}.json`,
    RepoTags: [`localhost/many/image-${at}:1`],
    Layers: ['layer.tar'],
  }));
  return archiveOf([
    { name: 'layer.tar', content: layer },
    ...configs.map((config) => ({ name: `${sha256(config)}.json`, content: config })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
