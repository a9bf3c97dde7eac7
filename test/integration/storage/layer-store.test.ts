import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestOfHex, sha256Of } from '../../../src/oci/digest.ts';
import {
  hasLayer,
  layerDir,
  listLayers,
  readLayer,
  removeLayer,
  stageLayer,
  syncLayers,
} from '../../../src/storage/layer-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { addLayer, temporaryHost, writeTree } from '../../support/store.ts';

/** What a power loss and a reboot do to the record of a layer. */
function reboot(directory: string): void {
  const path = `${directory}/../layer.json`;
  const record = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...record, bootId: 'an earlier boot' }));
}

describe('stageLayer [I]', () => {
  it('shows a layer to others only when it is published', async () => {
    const host = temporaryHost();
    const key = { diffId: sha256Of('x'), kind: 's' } as const;
    const staging = stageLayer(host, key);
    writeTree(staging.diffDir, { 'etc/motd': 'hello' });
    expect(hasLayer(host, key)).toBe(false);
    await staging.publish(5);
    expect(hasLayer(host, key)).toBe(true);
    expect(readFileSync(`${layerDir(host, key)}/etc/motd`, 'utf8')).toBe('hello');
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('keeps the first of two that publish the same layer', async () => {
    const host = temporaryHost();
    const key = { diffId: sha256Of('x'), kind: 's' } as const;
    const [first, second] = [stageLayer(host, key), stageLayer(host, key)];
    writeTree(first.diffDir, { from: 'first' });
    await first.publish(1);
    await second.publish(2);
    expect(readFileSync(`${layerDir(host, key)}/from`, 'utf8')).toBe('first');
    expect(readLayer(host, key)?.sizeBytes).toBe(1);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('keeps the two kinds of owners apart', async () => {
    const host = temporaryHost();
    const { diffId } = await addLayer(host, { a: '' }, 'm');
    expect([hasLayer(host, { diffId, kind: 'm' }), hasLayer(host, { diffId, kind: 's' })]).toEqual([true, false]);
  });

  it('gives short names that lead to the tree, also where digests begin alike', async () => {
    const host = temporaryHost();
    const keys = ['0', '1'].map((end) => ({ diffId: digestOfHex('abcd'.padEnd(63, '0') + end), kind: 's' }) as const);
    for (const key of keys) {
      const staging = stageLayer(host, key);
      writeTree(staging.diffDir, { id: key.diffId });
      const { link } = await staging.publish(1);
      expect(readFileSync(`${layout.layerLinks(host)}/${link}/id`, 'utf8')).toBe(key.diffId);
    }
    expect(new Set(readdirSync(layout.layerLinks(host)))).toEqual(new Set(['abcd', 'abcd0']));
  });
});

describe('syncLayers [I] syncfs(2)', () => {
  it('makes the difference after a power loss', async () => {
    const host = temporaryHost();
    const safe = await addLayer(host, { a: 'synced' });
    syncLayers(host, [safe]);
    const unsafe = await addLayer(host, { a: 'not synced' });
    for (const key of [safe, unsafe]) reboot(layerDir(host, key));
    expect([hasLayer(host, safe), hasLayer(host, unsafe)]).toEqual([true, false]);
  });

  it('lets a layer that was lost be published again', async () => {
    const host = temporaryHost();
    const key = await addLayer(host, { a: 'torn' });
    reboot(layerDir(host, key));
    const staging = stageLayer(host, key);
    writeTree(staging.diffDir, { a: 'whole' });
    await staging.publish(5);
    expect(readFileSync(`${layerDir(host, key)}/a`, 'utf8')).toBe('whole');
    expect(hasLayer(host, key)).toBe(true);
  });

  it('replaces a layer whose record was cut off', async () => {
    const host = temporaryHost();
    const key = await addLayer(host, { a: '1' });
    writeFileSync(`${layerDir(host, key)}/../layer.json`, '');
    const staging = stageLayer(host, key);
    await staging.publish(5);
    expect(hasLayer(host, key)).toBe(true);
  });
});

describe('removeLayer [I]', () => {
  it('removes the tree and the short name', async () => {
    const host = temporaryHost();
    const key = await addLayer(host, { a: '' });
    expect(readlinkSync(`${layout.layerLinks(host)}/${key.link}`)).toBe(`../${key.diffId.slice(7)}-s/diff`);
    await removeLayer(host, key);
    expect(listLayers(host)).toEqual([]);
    expect(readdirSync(layout.layerLinks(host))).toEqual([]);
    expect(existsSync(layerDir(host, key))).toBe(false);
  });
});
