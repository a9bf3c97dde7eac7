/** Processes that die at any moment, and processes that write at the same time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkStore } from '../../../src/storage/check.ts';
import { listContainers } from '../../../src/storage/container-store.ts';
import { collectGarbage } from '../../../src/storage/gc.ts';
import { listImages, listTags } from '../../../src/storage/image-store.ts';
import { hasLayer } from '../../../src/storage/layer-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { type TestHost, temporaryDirectory, temporaryHost } from '../../support/store.ts';

const worker = join(import.meta.dirname, '../../support/workers/store-writer.ts');

function startWriter(root: string, ...rest: readonly string[]) {
  return spawn(process.execPath, [worker, root, ...rest], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function waitFor(stream: Readable, text: string): Promise<void> {
  let seen = '';
  for (stream.setEncoding('utf8'); !seen.includes(text); ) seen += String(await once(stream, 'data'));
}

/** Everything that a record promises is there; temporary files of interrupted writes are the only thing to find. */
async function expectSound(host: TestHost) {
  const problems = await checkStore(host);
  expect(problems.filter(({ kind }) => kind !== 'orphan' && kind !== 'link')).toEqual([]);
  const layers = listImages(host).flatMap(({ diffIds }) => diffIds);
  expect(layers.filter((diffId) => !hasLayer(host, { diffId, kind: 's' }))).toEqual([]);
  expect(listContainers(host).broken).toEqual([]);
}

describe('a writer that is killed [I] design: crash-only', () => {
  it('leaves a sound store at whatever moment it dies, and its remains are collected', async () => {
    const root = temporaryDirectory();
    const host = temporaryHost(root);
    for (let round = 0; round < 12; round++) {
      const writer = startWriter(root);
      // In turns within the first round, while everything is new, and some rounds later.
      await waitFor(writer.stdout, round % 2 ? `done ${round}` : 'ready');
      await sleep(Math.random() * 30);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      await expectSound(host);
    }
    expect(listTags(host).length).toBeGreaterThan(0);
    await checkStore(host, { repair: true });
    expect((await collectGarbage(host)).isComplete).toBe(true);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
    expect(await checkStore(host)).toEqual([]);
  });
});

describe('writers at the same time [I]', () => {
  it('do not disturb each other, nor a collector that runs all the while', async () => {
    const root = temporaryDirectory();
    const host = temporaryHost(root);
    const exits = ['1', '2', '3', '4'].map(async () => once(startWriter(root, '16'), 'exit'));
    let isDone = false;
    const writers = Promise.all(exits).finally(() => {
      isDone = true;
    });
    let collections = 0;
    while (!isDone) {
      collections += Number((await collectGarbage(host)).isComplete);
      await sleep(5);
    }
    expect(await writers).toEqual(Array.from({ length: 4 }, () => [0, null]));
    expect(collections).toBeGreaterThan(0);
    await expectSound(host);
    expect(listTags(host)).toHaveLength(16);
    expect(listContainers(host).containers).toHaveLength(4 * 8);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });
});

describe('a full disk [I] ENOSPC', () => {
  it('ends the writer with a hint and leaves a sound store without remains', async () => {
    const root = temporaryDirectory();
    const mounted = `${root}/disk`;
    const script = `mkdir "$1" && mount -t tmpfs -o size=300k none "$1" && "$2" "$3" "$1"; echo "remains: $(ls -A "$1"/data/ctr/tmp | wc -l)"`;
    const unshare = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', mounted, process.execPath, worker]);
    const output: string[] = [];
    for (const stream of [unshare.stdout, unshare.stderr]) stream.on('data', (data) => output.push(String(data)));
    await once(unshare, 'exit');
    const text = output.join('');
    expect(text).toMatch(/no space left at .*disk/);
    expect(text).toContain('ctr system prune');
    expect(text).toContain('remains: 0');
  });
});
