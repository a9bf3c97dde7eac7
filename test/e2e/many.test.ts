/** Many containers and many commands at once: no daemon queues them, and each costs next to nothing while it waits. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { missing, needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ podman: missing('root', 'podman', 'crun') === undefined });
  await bed.ctr('pull', bed.image('busybox'));
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const run = (...words: readonly string[]) =>
  bed.ctr('run', '-d', '--network', 'none', ...words.slice(0, -1), bed.image('busybox'), 'sleep', words.at(-1) ?? '');
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** Bytes; smaps_rollup counts a page that several processes share by its fraction (proc(5) "Pss"). */
const pssOf = (pid: number) =>
  Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]) * 1024;
const commOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim();

describe('100 detached containers [E]', () => {
  promise(
    'start at once; ps and stats show all; stop and rm end all, and no process is left',
    async () => {
      const before = bed.processes().length; // podman's pause process
      const names = Array.from({ length: 100 }, (_, index) => `many-${index}`);
      const outcomes = await Promise.all(names.map((name) => run('--name', name, '600')));
      expect(outcomes.filter(({ code }) => code !== 0)).toEqual([]);
      expect(linesOf((await bed.ctr('ps', '--format', '{{.Names}}')).stdout).sort()).toEqual(names.sort());
      expect(linesOf((await bed.ctr('stats', '--no-stream', '--format', '{{.Name}}')).stdout)).toHaveLength(100);
      expect(await bed.ctr('stop', '--all')).toMatchObject({ code: 0, stderr: '' });
      expect((await bed.ctr('ps', '-q')).stdout).toBe('');
      expect(linesOf((await bed.ctr('ps', '-aq', '--filter', 'status=exited')).stdout)).toHaveLength(100);
      const removed = await bed.ctr('rm', '--all');
      expect([removed.code, linesOf(removed.stdout).length]).toEqual([0, 100]);
      await until('all processes to be gone', () => bed.processes().length === before);
      expect(bed.mounts()).toEqual([]);
    },
    240_000,
  );
});

describe('32 commands at once in one container [E]', () => {
  promise('each has its own output and exit code', async () => {
    await run('--name', 'busy', '600');
    const codes = Array.from({ length: 32 }, (_, index) => index);
    const outcomes = await Promise.all(
      codes.map((code) => bed.ctr('exec', 'busy', 'sh', '-c', `echo out ${code}; exit ${code}`)),
    );
    expect(outcomes.map(({ code, stdout }) => ({ code, stdout }))).toEqual(
      codes.map((code) => ({ code, stdout: `out ${code}\n` })),
    );
    await bed.ctr('rm', '-f', '-t', '0', 'busy');
  });
});

describe('what a detached container adds to memory, its log kept [E]', () => {
  const promiseBeside = needs('root', 'podman', 'crun', 'registry', 'skopeo', 'busybox', 'subordinate-ids');

  promiseBeside('at most 200 kB, less than half of what Podman’s conmon takes beside it', async () => {
    const before = new Set(bed.processes());
    for (const name of ['one', 'two', 'three']) await run('--name', name, '600');
    const helpers = () => bed.processes().filter((pid) => !before.has(pid) && commOf(pid) !== 'sleep');
    await until('nobody but the supervisors', () => helpers().every((pid) => commOf(pid).startsWith('ctr-')));
    const own = helpers().reduce((sum, pid) => sum + pssOf(pid), 0) / 3;
    const image = bed.image('busybox');
    for (let count = 0; count < 3; count++) {
      expect(await bed.podman('run', '-d', '--network', 'none', image, 'sleep', '600')).toMatchObject({ code: 0 });
    }
    const conmons = bed.processes().filter((pid) => commOf(pid) === 'conmon');
    expect(conmons).toHaveLength(3);
    const theirs = conmons.reduce((sum, pid) => sum + pssOf(pid), 0) / 3;
    process.stdout.write(`PSS of helpers per container: ctr ${own / 1024} kB, conmon ${theirs / 1024} kB\n`);
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThanOrEqual(200 * 1024);
    expect(own).toBeLessThan(theirs / 2);
  });
});
