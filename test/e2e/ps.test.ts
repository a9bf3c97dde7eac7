/** `ctr ps`: rows, filters and shapes; containers whose files are broken hinder nobody. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
  const run = (...args: readonly string[]) => bed.ctr('run', '--network', 'none', ...args);
  await run('--name', 'ended', '--label', 'tier=db', bed.image('busybox'), 'sh', '-c', 'exit 3');
  await run('-d', '--name', 'running', '--label', 'tier=web', bed.image('busybox'), 'sleep', '4711');
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const names = async (...args: readonly string[]) => {
  const { stdout } = await bed.ctr('ps', '--format', '{{.Names}}', ...args);
  return stdout.split('\n').filter((line) => line !== '');
};

describe('ctr ps, podman-ps(1) [E]', () => {
  promise('lists what runs, and with -a everything, in a table', async () => {
    expect(await names()).toEqual(['running']);
    const { stdout } = await bed.ctr('ps', '-a');
    const [heading, first, second] = stdout.split('\n');
    expect(heading).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
    expect(first).toMatch(/^[0-9a-f]{12} .*busybox:latest +sh -c exit 3 .*Exited \(3\) .* ago +ended$/);
    expect(second).toMatch(/ sleep 4711 .* Up .* running$/);
  });

  for (const [filter, expected] of [
    ['status=exited', ['ended']],
    ['exited=3', ['ended']],
    ['name=^run', ['running']],
    ['label=tier=web', ['running']],
    ['label!=tier=web', ['ended']],
    ['label=tier', ['ended', 'running']],
    ['before=running', ['ended']],
    ['since=ended', ['running']],
    ['ancestor=busybox', ['ended', 'running']],
    ['network=none', ['ended', 'running']],
    ['volume=/data', []],
    ['restart-policy=no', ['ended', 'running']],
    ['health=none', ['ended', 'running']],
    ['command=sleep', ['running']],
  ] as const) {
    promise(`-a --filter ${filter} shows ${expected.join(' and ') || 'nothing'}`, async () => {
      expect(await names('-a', '--filter', filter)).toEqual(expected);
    });
  }

  promise('refuses a filter that there is not, with those that there are', async () => {
    const outcome = await bed.ctr('ps', '--filter', 'colour=red');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('restart-policy');
  });

  promise('prints an array in Podman’s shape, and a line for each in Docker’s', async () => {
    const podman = JSON.parse((await bed.ctr('ps', '-a', '--format', 'json')).stdout);
    expect(podman[0]).toMatchObject({ Names: ['ended'], State: 'exited', ExitCode: 3, Exited: true });
    const docker = await bed.ctrWith({ env: { CTR_COMPAT: 'docker' } }, 'ps', '--format', 'json');
    expect(JSON.parse(docker.stdout)).toMatchObject({ Names: 'running', State: 'running', Command: '"sleep 4711"' });
  });

  promise('shows IDs only with -q, whole ones with --no-trunc, the newest one with -l', async () => {
    expect((await bed.ctr('ps', '-aq')).stdout).toMatch(/^([0-9a-f]{12}\n){2}$/);
    expect((await bed.ctr('ps', '-lq', '--no-trunc')).stdout).toMatch(/^[0-9a-f]{64}\n$/);
  });

  promise('counts what a container wrote with -s', async () => {
    await bed.ctr(
      ...['run', '--network', 'none', '--name', 'writer', bed.image('busybox')],
      'sh',
      '-c',
      'seq 1 99999 > /f',
    );
    const { stdout } = await bed.ctr('ps', '-as', '--filter', 'name=writer', '--format', '{{.Size}}');
    expect(stdout).toMatch(/^[56]\d\dkB \(virtual .*MB\)\n$/);
    await bed.ctr('rm', 'writer');
  });

  promise('shows the others when one container’s record is broken', async () => {
    const directory = `${bed.dataRoot}/containers/${'0'.repeat(64)}`;
    mkdirSync(directory);
    writeFileSync(`${directory}/container.json`, '{"id": 7');
    const outcome = await bed.ctr('ps', '-a', '--format', '{{.Names}}');
    expect(outcome).toMatchObject({ code: 0, stdout: 'ended\nrunning\n' });
    expect(outcome.stderr).toContain('000000000000');
  });
});
