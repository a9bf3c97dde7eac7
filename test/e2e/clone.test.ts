/** init, clone, wait for health, and where they show: podman-init(1), podman-container-clone(1), podman-wait(1). */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterEach(async () => {
  await bed.ctr('rm', '-f', '-t', '0', '--all');
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const make = (verb: 'run' | 'create', name: string, flags: readonly string[], ...command: readonly string[]) => {
  const detach = verb === 'run' ? ['-d'] : [];
  return bed.ctr(verb, ...detach, '--name', name, '--network', 'none', ...flags, bed.image('busybox'), ...command);
};
const shown = async (template: string) => (await bed.ctr('ps', '-a', '--sort', 'names', '--format', template)).stdout;

describe('ctr container clone [E]', () => {
  promise('makes another container with the same flags and volumes', async () => {
    await make('create', 'web', ['-e', 'WORD=kept', '-v', 'shared:/data'], 'sh', '-c', 'echo $WORD >>/data/log');
    expect(await bed.ctr('container', 'clone', 'web')).toMatchObject({ code: 0 });
    expect(await bed.ctr('container', 'clone', 'web')).toMatchObject({ code: 0 });
    expect(await shown('{{.Names}}')).toBe('web\nweb-clone\nweb-clone1\n');
    for (const name of ['web', 'web-clone']) await bed.ctr('start', '-a', name);
    const reader = ['run', '--rm', '--network', 'none', '-v', 'shared:/data', bed.image('busybox'), 'cat', '/data/log'];
    expect((await bed.ctr(...reader)).stdout).toBe('kept\nkept\n');
  });

  promise('takes the place of the other with --destroy, and is started with --run', async () => {
    await make('run', 'web', [], 'sleep', '600');
    expect(await bed.ctr('container', 'clone', '--destroy', 'web', 'web')).toMatchObject({ code: 125 });
    expect(await shown('{{.Names}} {{.State}}')).toBe('web running\n');
    expect(await bed.ctr('container', 'clone', '--destroy', '-f', '--run', 'web', 'next')).toMatchObject({ code: 0 });
    expect(await shown('{{.Names}} {{.State}}')).toBe('next running\n');
  });
});

describe('ctr init [E]', () => {
  promise('writes the OCI configuration and starts nothing', async () => {
    await make('create', 'later', [], 'echo', 'hello');
    const path = (await bed.ctr('inspect', '-f', '{{.OCIConfigPath}}', 'later')).stdout.trim();
    expect(existsSync(path)).toBe(false);
    expect(await bed.ctr('init', 'later')).toMatchObject({ code: 0, stdout: 'later\n' });
    expect(JSON.parse(readFileSync(path, 'utf8')).process.args).toEqual(['echo', 'hello']);
    expect(await shown('{{.State}}')).toBe('created\n');
    expect(bed.processes()).toEqual([]);
    expect(await bed.ctr('start', '-a', 'later')).toMatchObject({ code: 0, stdout: 'hello\n' });
    expect(await bed.ctr('init', 'later')).toMatchObject({ code: 125 });
  });
});

describe('ctr wait --condition healthy [E]', () => {
  const health = ['--health-cmd', 'test -e /well', '--health-interval', '200ms', '--health-retries', '2'];

  promise('returns when the check says so; no systemd has a part in it', async () => {
    await make('run', 'patient', health, 'sleep', '600');
    expect(await bed.ctr('wait', '--condition', 'unhealthy', 'patient')).toMatchObject({ code: 0, stdout: '-1\n' });
    expect(await shown('{{.Status}}')).toContain('(unhealthy)');
    await bed.ctr('exec', 'patient', 'touch', '/well');
    expect(await bed.ctr('wait', '--condition', 'healthy', 'patient')).toMatchObject({ code: 0, stdout: '-1\n' });
    expect(await shown('{{.Status}}')).toContain('(healthy)');
    expect((await bed.ctr('inspect', '-f', '{{.State.Health.Status}}', 'patient')).stdout).toBe('healthy\n');
  });

  promise('does not wait for what cannot come', async () => {
    await make('run', 'unwatched', [], 'sleep', '600');
    const unwatched = await bed.ctr('wait', '--condition', 'healthy', 'unwatched');
    expect(unwatched).toMatchObject({ code: 125, stderr: expect.stringContaining('has no health check') });
    await make('run', 'over', health, 'true');
    await bed.ctr('wait', 'over');
    const over = await bed.ctr('wait', '--condition', 'healthy', 'over');
    expect(over).toMatchObject({ code: 125, stderr: expect.stringContaining('has ended') });
  });
});

describe('ctr stop, ps, logs [E]', () => {
  promise('stop --signal asks in another way', async () => {
    const script = 'trap "exit 7" USR1; echo ready; while :; do sleep 0.05; done';
    await make('run', 'asked', [], 'sh', '-c', script);
    for (let tries = 0; tries < 100 && (await bed.ctr('logs', '-l')).stdout !== 'ready\n'; tries++);
    expect(await bed.ctr('stop', '--signal', 'USR1', 'asked')).toMatchObject({ code: 0, stderr: '' });
    expect(await shown('{{.ExitCode}}')).toBe('7\n');
  });

  promise('ps --ns shows the namespaces that /proc has', async () => {
    await make('run', 'spaced', [], 'sleep', '600');
    const { stdout } = await bed.ctr('exec', 'spaced', 'readlink', '/proc/self/ns/user', '/proc/self/ns/mnt');
    const [user = '', mount = ''] = stdout.match(/\d+/g) ?? [];
    expect((await bed.ctr('ps', '--ns', '--noheading')).stdout).toMatch(new RegExp(`spaced .* ${mount} .* ${user} `));
  });
});
