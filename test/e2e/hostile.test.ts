/** Registries and images that lie or attack: refused with a reason, nothing outside touched, nothing left behind. */
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { busyboxArchive } from '../support/images.ts';
import { missing, needs } from '../support/needs.ts';
import {
  archiveOf,
  type Descriptor,
  digestOf,
  type Image,
  imageOf,
  type Layer,
  layerOf,
  noise,
  pushImage,
} from '../support/oci-image.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

const promise = needs('registry', 'busybox', 'subordinate-ids');
let registry: Registry;
let bed: Bed;
let base: Layer;
beforeAll(async () => {
  if (missing('registry', 'busybox') !== undefined) return;
  registry = await startRegistry();
  bed = await openBed({ images: [], insecure: [registry.host] });
  base = layerOf(await busyboxArchive());
});
afterAll(async () => {
  await bed?.close();
  await registry?.stop();
});

async function pull(name: string, image: Image) {
  await pushImage(registry.url, name, 'latest', image);
  return bed.ctr('pull', '-q', `${registry.host}/${name}`);
}

type Entry = Parameters<typeof archiveOf>[0][number];

describe('a layer that wants out [E]', () => {
  const attacks: Array<readonly [string, Entry[]]> = [
    ['parent-path', [{ name: '../../../../../../../../../tmp/ctr-escaped', content: 'out' }]],
    ['inner-parent-path', [{ name: 'etc/../../../../../../../../tmp/ctr-escaped', content: 'out' }]],
    [
      'through-symlink',
      [
        { name: 'door', type: 'symlink', linkname: '/tmp' },
        { name: 'door/ctr-escaped', content: 'out' },
      ],
    ],
    [
      'through-relative-symlink',
      [
        { name: 'door', type: 'symlink', linkname: '../../../../../../../../../../tmp' },
        { name: 'door/ctr-escaped', content: 'out' },
      ],
    ],
    ['hard-link', [{ name: 'stolen', type: 'link', linkname: '../../../../../../../../../../etc/hostname' }]],
  ];

  for (const [name, entries] of attacks) {
    promise(`${name}: writes nothing outside the container’s root`, async () => {
      const pulled = await pull(`escape-${name}`, imageOf([base, layerOf(await archiveOf(entries))]));
      // Contained or refused: but then because of that entry, and not because nothing could be pulled at all.
      if (pulled.code !== 0) expect(pulled.stderr).toMatch(/ctr-escaped|stolen/);
      expect(existsSync('/tmp/ctr-escaped')).toBe(false);
      const stolen = await bed.ctr(
        'run',
        '--rm',
        '-q',
        '--network',
        'none',
        `${registry.host}/escape-${name}`,
        'cat',
        '/stolen',
      );
      expect(stolen.stdout).not.toContain(readFileSync('/etc/hostname', 'utf8').trim());
    });
  }

  promise('an absolute name stays below the root', async () => {
    const layer = layerOf(await archiveOf([{ name: '/etc/ctr-inside', content: 'inside' }]));
    expect(await pull('absolute', imageOf([base, layer]))).toMatchObject({ code: 0 });
    expect(existsSync('/etc/ctr-inside')).toBe(false);
  });
});

describe('bytes that are not what was promised [E]', () => {
  const fresh = async () => layerOf(await archiveOf([{ name: 'noise', content: noise(200_000) }]));

  promise('a tampered layer is refused, and the digest named', async () => {
    const layer = await fresh();
    await pushImage(registry.url, 'tampered', 'latest', imageOf([base, layer]));
    const file = registry.blobFile(digestOf(layer.blob));
    const bytes = readFileSync(file);
    bytes.writeUInt8((bytes[100_000] ?? 0) ^ 1, 100_000);
    writeFileSync(file, bytes);
    await refuses('tampered', digestOf(layer.blob));
  });

  promise('a truncated layer is refused, and the digest named', async () => {
    const layer = await fresh();
    await pushImage(registry.url, 'truncated', 'latest', imageOf([base, layer]));
    truncateSync(registry.blobFile(digestOf(layer.blob)), 90_000);
    await refuses('truncated', digestOf(layer.blob));
  });

  for (const [name, lie] of [
    ['too-small', (size: number) => size - 1000],
    ['too-large', (size: number) => size + 1000],
  ] as const) {
    promise(`a manifest that says a size that is ${name} is refused`, async () => {
      const layer = await fresh();
      const lying = (all: Descriptor[]) => all.map((one) => ({ ...one, size: lie(one.size) }));
      await pushImage(registry.url, `size-${name}`, 'latest', imageOf([layer], {}, lying));
      await refuses(`size-${name}`, digestOf(layer.blob));
    });
  }

  promise('a layer that unpacks to other bytes than its diffID is refused', async () => {
    const [one, other] = [await fresh(), await fresh()];
    await pushImage(registry.url, 'diffid', 'latest', imageOf([{ blob: one.blob, diffId: other.diffId }]));
    await refuses('diffid', 'sha256:');
  });

  async function refuses(name: string, mentions: string): Promise<void> {
    const outcome = await bed.ctr('pull', '-q', `${registry.host}/${name}`);
    expect(outcome).toMatchObject({ code: 125, stdout: '' });
    expect(outcome.stderr).toContain(mentions.slice(0, 19));
    expect((await bed.ctr('images', '-q')).stdout).not.toContain(name);
    expect(
      await bed.ctr('run', '--rm', '--pull', 'never', '--network', 'none', `${registry.host}/${name}`, 'true'),
    ).toMatchObject({
      code: 125,
    });
  }
});
