/** `ctr logs`: every byte, in its stream, also through rotation and while the container writes. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

/** A journald of its own, below mounts that nobody else sees; root only, and what it starts ends with it. */
const withJournal = (user: string, script: string) => `
  mount --make-rprivate / && mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal
  mkdir -p /run/log && mount -t tmpfs -o mode=755 tmpfs /run/log
  /lib/systemd/systemd-journald </dev/null >/dev/null 2>&1 & journald=$!
  trap 'kill -9 $journald' EXIT
  until test -S /run/systemd/journal/stdout && test -e /run/log/journal/*/system.journal; do sleep 0.1; done
  chmod -R a+rX /run/log/journal
  setpriv --reuid ${user} --regid ${user} --clear-groups sh -c '${script}'`;

describe('ctr logs of a container with --log-driver journald [E]', () => {
  needs(
    'root',
    'journald',
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('shows what journalctl has', async () => {
    const words = 'echo out; echo err >&2; sleep 2; seq 1 300; echo last >&2; sleep 0.3; echo end';
    const start = `ctr run -d -q --name noted --network none --log-driver journald ${bed.image('busybox')} sh -c "${words}"`;
    const script = `${start} && ctr logs -f noted 2>err && ctr logs -n 1 noted 2>&1 && ctr logs --until 1h noted`;
    const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', withJournal(bed.user.name, script)], {
      cwd: bed.home,
      env: bed.env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n').slice(1)).toEqual(['out', ...numbers(300).split('\n').slice(0, -1), 'end', 'end', '']);
    expect(readFileSync(`${bed.home}/err`, 'utf8')).toBe('err\nlast\n');
  });

  promise('says what is missing where there is no journalctl', async () => {
    await shell('unread', 'true');
    const record = `${bed.dataRoot}/containers/${(await bed.ctr('inspect', '-f', '{{.Id}}', 'unread')).stdout.trim()}`;
    const text = readFileSync(`${record}/container.json`, 'utf8').replace('"driver":"framed"', '"driver":"journald"');
    writeFileSync(`${record}/container.json`, text);
    const outcome = await bed.ctrWith({ env: { PATH: `${bed.env.PATH?.split(':')[0]}` } }, 'logs', 'unread');
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringContaining('no journalctl') });
  });
});
