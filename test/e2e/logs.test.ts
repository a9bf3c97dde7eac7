/** `ctr logs`: every byte, in its stream, also through rotation and while the container writes. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const run = (...args: readonly string[]) => bed.ctr('run', '--network', 'none', ...args);
const shell = (name: string, script: string, ...flags: readonly string[]) =>
  run('-d', '--name', name, ...flags, bed.image('busybox'), 'sh', '-c', script);
const numbers = (last: number) => Array.from({ length: last }, (_, index) => `${index + 1}\n`).join('');

describe('ctr logs [E]', () => {
  promise('keeps stdout and stderr apart, byte for byte', async () => {
    await run(
      '--name',
      'both',
      bed.image('busybox'),
      'sh',
      '-c',
      "echo out; printf 'e\\001\\033\\n' >&2; printf 'no end'",
    );
    expect(await bed.ctr('logs', 'both')).toMatchObject({ code: 0, stdout: 'out\nno end', stderr: 'e\x01\x1b\n' });
  });

  promise('follows 1,000,000 lines on two streams through rotation, and ends with the container', async () => {
    const script = 'sleep 1; seq 1 500000 >&2 & sleep 1; seq 1 500000; wait';
    await shell('busy', script, '--log-opt', 'max-size=200k', '--log-opt', 'max-file=120');
    const followed = await bed.ctr('logs', '-f', 'busy');
    expect(followed.stdout === numbers(500_000) && followed.stderr === numbers(500_000)).toBe(true);
    const later = await bed.ctr('logs', 'busy');
    expect(later.stdout === followed.stdout && later.stderr === followed.stderr).toBe(true);
  });

  promise('goes on with -f when the restart policy starts the container again', async () => {
    await shell('again', 'sleep 1; echo run; exit 1', '--restart', 'on-failure:2');
    expect((await bed.ctr('logs', '-f', 'again')).stdout).toBe('run\nrun\nrun\n');
  });

  promise('shows the last lines only with --tail, also when older files would have to be read', async () => {
    await run(
      '--name',
      'long',
      '--log-opt',
      'max-size=20k',
      '--log-opt',
      'max-file=9',
      bed.image('busybox'),
      'seq',
      '1',
      '9999',
    );
    expect((await bed.ctr('logs', '--tail', '3', 'long')).stdout).toBe('9997\n9998\n9999\n');
    expect((await bed.ctr('logs', '--tail', '8000', 'long')).stdout).toBe(numbers(9999).slice(numbers(1999).length));
    expect((await bed.ctr('logs', '--tail', '0', 'long')).stdout).toBe('');
  });

  promise('puts the time before each line with -t, and takes --since and --until', async () => {
    await run('--name', 'timed', bed.image('busybox'), 'sh', '-c', 'echo early; sleep 2; echo late');
    const { stdout } = await bed.ctr('logs', '-t', 'timed');
    const [, time = ''] = /^\S+ early\n(\S+) late\n$/.exec(stdout) ?? [];
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    const between = String(Date.parse(time) / 1000 - 1);
    expect((await bed.ctr('logs', '--since', between, 'timed')).stdout).toBe('late\n');
    expect((await bed.ctr('logs', '--until', between, 'timed')).stdout).toBe('early\n');
  });

  promise('names the container of each line with --names', async () => {
    expect((await bed.ctr('logs', '--names', '--tail', '1', 'long', 'timed')).stdout).toBe('long 9999\ntimed late\n');
  });

  promise('says why there is nothing with --log-driver none', async () => {
    await run('--name', 'silent', '--log-driver', 'none', bed.image('busybox'), 'echo', 'x');
    const outcome = await bed.ctr('logs', 'silent');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('log driver none');
  });
});

describe('--log-driver json-file and k8s-file [E]', () => {
  promise('write text that others can tail, also of a container that is removed at its end', async () => {
    const path = `${bed.home}/out.json`;
    const script = 'echo out; echo err >&2; printf end';
    await run(
      '--rm',
      '--log-driver',
      'json-file',
      '--log-opt',
      `path=${path}`,
      bed.image('busybox'),
      'sh',
      '-c',
      script,
    );
    const text = () => (existsSync(path) ? readFileSync(path, 'utf8') : '');
    await until('the text', () => text().split('\n').length === 4, 10_000);
    const lines = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ stream }) => stream === 'stdout').map(({ log }) => log)).toEqual(['out\n', 'end']);
    expect(lines.find(({ stream }) => stream === 'stderr')).toMatchObject({ log: 'err\n' });
  });
});
