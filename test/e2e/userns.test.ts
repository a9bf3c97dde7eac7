/** Whose ids a container has, and what it shares with the host or another container. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const run = (flags: readonly string[], script: string) =>
  bed.ctr('run', '--rm', '-q', '--network', 'none', ...flags, bed.image('busybox'), 'sh', '-c', script);

describe('--userns keep-id [E] podman-run(1)', () => {
  promise('runs the command as the caller, with a line in /etc/passwd', async () => {
    const { stdout } = await run(['--userns=keep-id'], 'id -u; id -g; id -un');
    expect(stdout).toBe(`${bed.user.uid}\n${bed.user.gid}\n${bed.user.name}\n`);
  });

  promise('leaves files in a bind mount to the caller', async () => {
    const dir = bed.directory('kept');
    const outcome = await run(['--userns=keep-id', '-v', `${dir}:/kept`], 'touch /kept/file; stat -c %u /kept/file');
    expect(outcome).toMatchObject({ code: 0, stdout: `${bed.user.uid}\n` });
  });

  promise('copies no layer', async () => {
    await run([], 'true');
    const before = readdirSync(`${bed.dataRoot}/layers`);
    await run(['--userns=keep-id'], 'true');
    expect(readdirSync(`${bed.dataRoot}/layers`)).toEqual(before);
  });

  promise('shows the owners of the image exactly with :exact', async () => {
    const { stdout, code } = await run(['--userns=keep-id:exact'], 'stat -c %u / /bin /bin/busybox; id -u');
    expect({ stdout, code }).toEqual({ stdout: `0\n0\n0\n${bed.user.uid}\n`, code: 0 });
  });

  promise('takes another number for the caller', async () => {
    expect(await run(['--userns=keep-id:uid=7,gid=8'], 'id -u; id -g')).toMatchObject({ stdout: '7\n8\n' });
  });

  promise('refuses what has no place for the caller, and says why', async () => {
    const outcome = await run(['--userns=nomap'], 'true');
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringContaining('no place for your own id') });
  });
});

describe('shared namespaces [E]', () => {
  promise('sees the processes, shared memory and host name of another container', async () => {
    const name = ['run', '-d', '-q', '--name', 'shared', '--network', 'none', bed.image('busybox')];
    await bed.ctr(...name, 'sh', '-c', 'echo here > /dev/shm/note; exec sleep 100');
    const flags = ['--pid=container:shared', '--ipc=container:shared', '--uts=container:shared'];
    const { stdout } = await run(flags, 'cat /dev/shm/note; hostname; cat /proc/1/cmdline | tr "\\0" " "');
    const other = await bed.ctr('exec', 'shared', 'hostname');
    await bed.ctr('rm', '-f', '-t', '0', 'shared');
    expect(stdout).toBe(`here\n${other.stdout}sleep 100 `);
  });

  promise('sees the processes of the host with --pid host', async () => {
    const { stdout } = await run(['--pid=host'], `test -d /proc/${process.pid} && echo seen`);
    expect(stdout).toBe('seen\n');
  });

  promise('refuses a host name where it belongs to others', async () => {
    expect(await run(['--uts=host', '--hostname=x'], 'true')).toMatchObject({ code: 125 });
  });
});

describe('--unsetenv-all [E] podman-run(1)', () => {
  promise('finds the command all the same', async () => {
    const outcome = await bed.ctr(
      ...['run', '--rm', '-q', '--network', 'none', '--unsetenv-all', bed.image('busybox'), 'env'],
    );
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('--init [E] podman-run(1)', () => {
  promise('reaps orphans and ends with the exit status of the command', async () => {
    const { stdout, code } = await run(
      ['--init'],
      '(sleep 0.2 &); sleep 0.6; cat /proc/[0-9]*/status | grep -c ^State:.Z; exit 7',
    );
    expect({ stdout, code }).toEqual({ stdout: '0\n', code: 7 });
  });

  promise('ends with 128+n when a signal ends the command', async () => {
    expect(await run(['--init'], 'kill -TERM $$')).toMatchObject({ code: 143 });
  });

  promise('keeps the host’s program out of reach', async () => {
    const { stdout } = await run(['--init'], 'readlink /proc/1/exe || echo hidden');
    expect(stdout).toBe('hidden\n');
  });
});
