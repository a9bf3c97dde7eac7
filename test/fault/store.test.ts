/** Whatever dies in the middle of whatever, `ctr system check` finds the store sound, and it goes on working. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { missing, needs } from '../support/needs.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const canRun = missing('registry', 'skopeo', 'busybox') === undefined;
/** How often each fault is made; the full count takes half an hour: CTR_FAULTY_RUNS=200 CTR_KILLS=100. */
const faultyRuns = Number(process.env.CTR_FAULTY_RUNS ?? 10);
const kills = Number(process.env.CTR_KILLS ?? 24);
let bed: Bed;
let proxy: FaultProxy;
beforeAll(async () => {
  if (!canRun) return;
  bed = await openBed({ images: ['busybox', 'sixlayers', 'manylayers'] });
  proxy = await startFaultProxy(bed.registryHost);
});
afterAll(async () => {
  await proxy?.stop();
  await bed?.close();
});

const says = (image: string) => bed.ctr('run', '--rm', '-q', '--network', 'none', image, 'echo', 'whole');
const whole = { code: 0, stdout: 'whole\n' };

/** Left-overs of killed commands are no damage; `--repair` takes them away, and then there is nothing to find. */
async function expectSound(): Promise<void> {
  const { stdout } = await bed.ctr('system', 'check', '--json');
  const kinds = (JSON.parse(stdout) as Array<{ Kind: string; Message: string }>).filter(
    ({ Kind }) => Kind !== 'orphan' && Kind !== 'link',
  );
  expect(kinds).toEqual([]);
  expect(await bed.ctr('system', 'check', '--repair')).toMatchObject({ code: 0 });
  expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0, stdout: 'The store is sound.\n' });
}

describe('a registry behind a bad network [E]', () => {
  promise(
    'gives whole images or none, however often it fails',
    async () => {
      const codes: Array<number | null> = [];
      for (let round = 0; round < faultyRuns; round++) {
        // The large image is broken off in the middle of layers, the one of many layers between them.
        const image = `${proxy.host}/${round % 5 === 0 ? 'sixlayers' : 'manylayers'}:latest`;
        const afterBytes =
          round % 5 === 0 ? 1000 + Math.floor(Math.random() * 400_000) : Math.floor(Math.random() * 200);
        const blob = /^GET .*\/blobs\//;
        proxy.inject(blob, { kind: 'reset', afterBytes }, 2);
        proxy.inject(blob, { kind: 'lie', atByte: afterBytes });
        proxy.inject(blob, { kind: 'truncate', afterBytes });
        proxy.inject(blob, { kind: 'status', status: 429, headers: { 'Retry-After': '0' } });
        proxy.inject(/^GET .*\/manifests\//, { kind: 'status', status: round % 7 === 0 ? 404 : 503 });
        const { code } = await bed.ctr('pull', '-q', '--retry-delay', '10ms', image);
        codes.push(code);
        if (code === 0) expect(await says(image)).toMatchObject(whole);
        if (round % 2 === 1 || round % 5 === 0) await bed.ctr('rmi', '-f', image);
      }
      expect(codes.filter((code) => code !== 0 && code !== 125)).toEqual([]);
      await expectSound();
    },
    300_000 + faultyRuns * 10_000,
  );

  promise(
    'takes a push in the end, and has the same bytes then',
    async () => {
      await bed.ctr('pull', '-q', bed.image('sixlayers'));
      for (let round = 0; round < 4; round++) {
        proxy.inject(/^(PUT|PATCH) .*\/uploads\//, { kind: 'reset-upload', afterBytes: 20_000 }, 2);
        proxy.inject(/^POST .*\/uploads\//, { kind: 'status', status: 502 });
        const target = `${proxy.host}/pushed/six:${round}`;
        const outcome = await bed.ctr('push', '-q', '--retry-delay', '10ms', bed.image('sixlayers'), target);
        expect(outcome).toMatchObject({ code: 0 });
        const raw = (name: string) => bed.sh(`skopeo inspect --raw --tls-verify=false docker://${name}`);
        const pushed = await raw(`${bed.registryHost}/pushed/six:${round}`);
        expect(pushed.stdout).toBe((await raw(bed.image('sixlayers'))).stdout);
      }
    },
    300_000,
  );
});

describe('SIGKILL at any moment, beside commands that go on [E]', () => {
  const victims = () => [
    ['pull', '-q', bed.image('sixlayers')],
    ['load', '-q', '-i', 'six.tar'],
    ['save', '-q', '-o', 'other.tar', bed.image('sixlayers')],
    ['push', '-q', bed.image('sixlayers'), `${bed.registryHost}/killed/six:1`],
    ['rmi', '-f', bed.image('sixlayers')],
    ['image', 'prune', '--all', '--force'],
    ['system', 'prune', '--all', '--force'],
    ['import', '-q', 'layer.tar', 'localhost/imported:1'],
  ];

  promise(
    'leaves a sound store, and every run beside it succeeds',
    async () => {
      await bed.ctr('pull', '-q', bed.image('sixlayers'));
      await bed.ctr('pull', '-q', bed.image('busybox'));
      await bed.ctr('save', '-q', '-o', 'six.tar', bed.image('sixlayers'));
      await bed.sh('tar -cf layer.tar -C /usr/share/doc . 2>/dev/null; true');
      // Keeps the image of the runs from being pruned.
      await bed.ctr('create', '--name', 'holder', bed.image('busybox'), 'true');
      for (let round = 0; round < kills; round++) {
        const chosen = victims()[round % victims().length] ?? [];
        const victim = bed.start(...chosen);
        const run = says(bed.image('busybox'));
        await sleep(60 + Math.random() * 700);
        victim.child.kill('SIGKILL');
        await victim.ended;
        expect.soft(await run, `beside ${chosen.join(' ')}`).toMatchObject({ code: 0 });
      }
      await expectSound();
      expect(await bed.ctr('load', '-q', '-i', 'six.tar')).toMatchObject({ code: 0 });
      expect(await says(bed.image('sixlayers'))).toMatchObject(whole);
      expect(bed.mounts()).toEqual([]);
    },
    400_000 + kills * 10_000,
  );

  promise('a half-written archive has not taken the name of the whole one', async () => {
    const save = bed.start('save', '-q', '-o', 'victim.tar', bed.image('manylayers'));
    await sleep(150);
    save.child.kill('SIGKILL');
    await save.ended;
    expect((await bed.sh('ls victim.tar')).code).not.toBe(0);
  });
});
