/** Readiness and health: --sdnotify, --health-startup-*, --health-log-*, --attach, --hostuser: podman-run(1). */
import { readdirSync, readFileSync } from 'node:fs';
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
const make = (...args: readonly string[]) => bed.ctr('run', '-q', '--network', 'none', ...args);
const healthOf = async (name: string) => (await bed.ctr('inspect', '-f', '{{.State.Health.Status}}', name)).stdout;

describe('--sdnotify [E] sd_notify(3)', () => {
  const withSocket = async (command: string) => {
    const socket = `$HOME/notify-${Math.random()}`;
    const receiver = `socat -u UNIX-RECV:${socket} - > $HOME/told & receiver=$!; until test -S ${socket}; do sleep 0.05; done`;
    const script = `${receiver}; export NOTIFY_SOCKET=${socket}; ${command}; sleep 0.2; kill $receiver`;
    const outcome = await bed.sh(script);
    return { ...outcome, told: readFileSync(`${bed.home}/told`, 'utf8') };
  };
  const image = () => bed.image('busybox');

  needs(
    'socat',
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('conmon: ready when the command runs', async () => {
    const { told } = await withSocket(`ctr run --rm -q --network none --sdnotify conmon ${image()} true`);
    expect(told).toBe('READY=1');
    const detached = await withSocket(
      `ctr run -d -q --name noted --network none --sdnotify conmon ${image()} sleep 100`,
    );
    const main = /^MAINPID=(\d+)\nREADY=1$/.exec(detached.told)?.[1];
    expect(readFileSync(`/proc/${main}/comm`, 'utf8')).toBe('ctr-supervise\n');
    await bed.ctr('rm', '-f', '-t', '0', 'noted');
  });

  needs(
    'socat',
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('healthy: not before', async () => {
    const check = '--health-cmd "test -e /well" --health-interval 100ms --health-retries 999';
    const later = '(sleep 1; env -u NOTIFY_SOCKET ctr exec slow touch /well) &';
    const { told, stdout } = await withSocket(
      `${later} ctr run -d -q --name slow --network none --sdnotify healthy ${check} ${image()} sleep 100; ctr exec slow ls /well`,
    );
    expect(told).toMatch(/READY=1$/);
    expect(stdout).toContain('/well');
    await bed.ctr('rm', '-f', '-t', '0', 'slow');
  });

  needs(
    'socat',
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('container: it gets the socket', async () => {
    const words = `sh -c 'echo $NOTIFY_SOCKET; test -S "$NOTIFY_SOCKET" && echo there; true'`;
    const { told, stdout } = await withSocket(`ctr run --rm -q --network none ${image()} ${words}`);
    expect({ told, stdout }).toEqual({ told: '', stdout: '/run/notify/notify.sock\nthere\n' });
    expect((await withSocket(`ctr run --rm -q --network none --sdnotify ignore ${image()} ${words}`)).stdout).toBe(
      '\n',
    );
  });
});

describe('--health-startup-cmd [E]', () => {
  const startup = (command: string) => ['--health-startup-cmd', command, '--health-startup-interval', '100ms'];

  promise('is asked first, and the check itself when it has passed', async () => {
    const check = ['--health-cmd', 'false', '--health-interval', '100ms', '--health-retries', '1'];
    const log = ['--health-max-log-count', '2', '--health-log-destination', bed.directory('results')];
    await make(
      '-d',
      '--name',
      'begins',
      ...check,
      ...startup('test -e /up'),
      ...log,
      bed.image('busybox'),
      'sleep',
      '100',
    );
    await until(
      'it was checked',
      async () => (await bed.ctr('inspect', '-f', '{{len .State.Health.Log}}', 'begins')).stdout === '2\n',
    );
    expect(await healthOf('begins')).toBe('starting\n');
    await bed.ctr('exec', 'begins', 'touch', '/up');
    expect(await bed.ctr('wait', '--condition', 'unhealthy', 'begins')).toMatchObject({ code: 0 });
    const [copy = ''] = readdirSync(`${bed.home}/results`);
    expect(JSON.parse(readFileSync(`${bed.home}/results/${copy}`, 'utf8'))).toMatchObject({ Status: 'unhealthy' });
    await bed.ctr('rm', '-f', '-t', '0', 'begins');
  });

  promise('restarts the container after so many failures', async () => {
    const flags = ['--health-cmd', 'true', ...startup('false'), '--health-startup-retries', '2'];
    await make('-d', '--name', 'never', ...flags, bed.image('busybox'), 'sleep', '100');
    const pid = async () => Number((await bed.ctr('inspect', '-f', '{{.State.Pid}}', 'never')).stdout);
    const first = await pid();
    await until('it was checked', async () => ![0, first].includes(await pid()));
    await bed.ctr('rm', '-f', '-t', '0', 'never');
  });
});

describe('ctr update --health-* [E]', () => {
  promise('changes the check at once', async () => {
    const check = ['--health-cmd', 'false', '--health-interval', '100ms', '--health-retries', '1'];
    await make('-d', '--name', 'ill', ...check, bed.image('busybox'), 'sleep', '100');
    await bed.ctr('wait', '--condition', 'unhealthy', 'ill');
    expect(await bed.ctr('update', '--health-cmd', 'true', 'ill')).toMatchObject({ code: 0 });
    expect(await bed.ctr('wait', '--condition', 'healthy', 'ill')).toMatchObject({ code: 0 });
    await bed.ctr('rm', '-f', '-t', '0', 'ill');
  });
});

describe('--attach [E]', () => {
  promise('shows only the streams that are named; the log has all', async () => {
    const script = ['sh', '-c', 'cat; echo out; echo err >&2; exit 3'];
    const outcome = await make('--name', 'part', '-a', 'stderr', bed.image('busybox'), ...script);
    expect(outcome).toMatchObject({ code: 3, stdout: '', stderr: 'err\n' });
    expect(await bed.ctr('logs', 'part')).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
    const run = `ctr run -q --rm -i --network none`;
    const fed = await bed.sh(`echo fed | ${run} -a stdin -a stdout ${bed.image('busybox')} sh -c 'cat; echo err >&2'`);
    expect(fed).toMatchObject({ stdout: 'fed\n', stderr: '' });
    const unfed = await bed.sh(`echo fed | ${run} -a stdout ${bed.image('busybox')} cat`);
    expect(unfed).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('--hostuser [E]', () => {
  promise('adds the host’s line, once', async () => {
    const image = bed.image('busybox');
    const { stdout } = await make(
      '--rm',
      '--hostuser',
      bed.user.name,
      image,
      'grep',
      '-c',
      `^${bed.user.name}:`,
      '/etc/passwd',
    );
    expect(stdout).toBe('1\n');
    expect(await make('--rm', '--hostuser', 'nobody-has-this', image, 'true')).toMatchObject({ code: 125 });
  });
});

describe('flags of other tools [E]', () => {
  promise('are refused with the reason, not as unknown', async () => {
    expect(await bed.ctr('start', '--checkpoint', 'x', 'web')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('--checkpoint is not supported: checkpoints need CRIU'),
    });
  });
});
