/** Builds that are interrupted: no process, mount, container or half layer is left, and the next one goes on. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids');
const dockerfile = ['FROM localhost/base', 'RUN touch /first', 'RUN touch /second && sleep 600 && touch /third'];
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
  bed.directory('context');
  bed.file('context/Dockerfile', dockerfile.join('\n'));
});
afterAll(() => bed?.close());

async function interrupted(signal: NodeJS.Signals): Promise<void> {
  const running = bed.start('build', '--network', 'none', 'context');
  await until('the long step to run', async () => (await bed.sh(`pgrep -u ${bed.user.uid} -x sleep`)).code === 0);
  running.child.kill(signal);
  const outcome = await running.ended;
  if (signal === 'SIGINT') expect(outcome.code).toBe(130);
  await until('all processes to be gone', () => bed.processes().length === 0);
  expect(bed.mounts()).toEqual([]);
  await bed.ctr('system', 'prune', '-f');
  expect(readdirSync(`${bed.dataRoot}/containers`)).toEqual([]);
  expect(readdirSync(`${bed.dataRoot}/tmp`)).toEqual([]);
  expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0 });
}

async function goesOn(): Promise<void> {
  bed.file('context/Dockerfile', dockerfile.join('\n').replace('sleep 600', 'true'));
  const { code, stderr } = await bed.ctr('build', '--network', 'none', '-t', 'done', 'context');
  expect(code, stderr).toBe(0);
  expect(stderr.match(/CACHED/g)).toHaveLength(1);
  await bed.ctr('rmi', '-f', 'done');
  bed.file('context/Dockerfile', dockerfile.join('\n'));
}

describe('an interrupted build [F]', () => {
  promise('Ctrl-C ends the step; the next build goes on behind it', async () => {
    await interrupted('SIGINT');
    await goesOn();
  });

  promise('kill -9 of ctr ends the step as well', async () => {
    await bed.ctr('builder', 'prune', '-f', '--all');
    await interrupted('SIGKILL');
    await goesOn();
  });
});
