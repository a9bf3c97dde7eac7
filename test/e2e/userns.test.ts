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

  promise('keeps the owners of exact layers in cp, export and commit', async () => {
    const name = ['run', '-q', '--name', 'exact', '--network', 'none', '--userns', 'keep-id:exact', '-u', '0'];
    await bed.ctr(...name, bed.image('busybox'), 'touch', '/made');
    const { stdout } = await bed.sh('ctr export exact | tar -tvn ./bin/busybox bin/busybox made 2>/dev/null');
    const owners = stdout.split('\n').filter((line) => line !== '');
    expect(owners.map((line) => line.split(/\s+/)[1])).toEqual(['0/0', '0/0']);
    await bed.ctr('commit', '-q', 'exact', 'exact-image');
    const committed = await bed.ctr('run', '--rm', '--network', 'none', 'exact-image', 'stat', '-c', '%u', '/made');
    await bed.ctr('rm', 'exact');
    expect(committed).toMatchObject({ stdout: '0\n', code: 0 });
  });
});

describe('--userns nomap, auto [E] podman-run(1)', () => {
  const mapOf = async (...flags: readonly string[]) => {
    const { stdout } = await run(flags, 'cat /proc/self/uid_map');
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.trim().split(/\s+/).map(Number)]));
  };

  promise('has no place for the caller, and root owns the image and what it makes', async () => {
    const [, first] = (await bed.sh('grep "^$USER:" /etc/subuid')).stdout.split(':').map(Number);
    expect(await mapOf('--userns=nomap')).toEqual([[0, first, 65_536]]);
    const script = 'touch /etc/mine && stat -c %u / /bin/busybox /etc/mine && echo 1.2.3.4 a >> /etc/hosts';
    expect(await run(['--userns=nomap'], script)).toMatchObject({ stdout: '0\n0\n0\n', code: 0 });
  });

  promise('gives containers ranges that do not overlap, and takes them back', async () => {
    const start = (name: string) =>
      bed.ctr(
        ...['run', '-d', '-q', '--name', name, '--network', 'none', '--userns', 'auto:size=30000'],
        ...[bed.image('busybox'), 'sleep', '100'],
      );
    const outcomes = await Promise.all(['one', 'two', 'three'].map(start));
    const maps = await Promise.all(
      ['one', 'two', 'three'].map(async (name) => (await bed.ctr('exec', name, 'cat', '/proc/1/uid_map')).stdout),
    );
    const begins = maps.flatMap((map) => (map === '' ? [] : [Number(map.trim().split(/\s+/)[1])])).toSorted();
    expect(outcomes.filter(({ code }) => code === 0)).toHaveLength(2);
    expect(outcomes.find(({ code }) => code !== 0)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('remove containers'),
    });
    expect((begins[1] ?? 0) - (begins[0] ?? 0)).toBe(30_000);
    await bed.ctr('rm', '-f', '-i', '-t', '0', 'one', 'two', 'three');
    expect((await mapOf('--userns=auto:size=30000'))[0]?.[1]).toBe(begins[0]);
  });

  promise('places given ids among the others', async () => {
    const map = await mapOf('--userns=auto:size=60,uidmapping=5:0:1');
    expect(map.map(([inside, , size]) => [inside, size])).toEqual([
      [0, 5],
      [5, 1],
      [6, 54],
    ]);
    expect(map[1]?.[1]).toBe(bed.user.uid);
  });

  promise('writes volumes, and its files can be copied, compared, exported and committed', async () => {
    const image = bed.image('busybox');
    const flags = ['-q', '--name', 'far', '--network', 'none', '--userns', 'auto', '-v', 'far:/data'];
    await bed.ctr('run', '-d', ...flags, image, 'sh', '-c', 'echo kept > /data/note; touch /new; exec sleep 100');
    bed.file('given', 'given');
    expect(await bed.ctr('cp', 'given', 'far:/given')).toMatchObject({ code: 0 });
    expect((await bed.ctr('exec', 'far', 'stat', '-c', '%u', '/given')).stdout).toBe('0\n');
    expect((await bed.sh('ctr cp far:/data/note - | tar -xO')).stdout).toBe('kept\n');
    expect((await bed.ctr('diff', 'far')).stdout).toContain('A /new\n');
    await bed.ctr('stop', '-t', '0', 'far');
    const owners = await bed.sh('ctr export far | tar -tvn | grep -E " (new|given)$" | cut -d" " -f2');
    expect(owners.stdout).toBe('0/0\n0/0\n');
    await bed.ctr('commit', '-q', 'far', 'far-image');
    const committed = await bed.ctr('run', '--rm', '--network', 'none', 'far-image', 'stat', '-c', '%u', '/new');
    expect(committed.stdout).toBe('0\n');
    expect(await bed.ctr('start', 'far')).toMatchObject({ code: 0 });
    expect((await bed.ctr('exec', 'far', 'cat', '/data/note', '/given')).stdout).toBe('kept\ngiven');
    await bed.ctr('rm', '-f', '-t', '0', 'far');
  });

  promise('leaves no layers behind that no container has, after system prune', async () => {
    await run(['--userns=auto:size=70'], 'true');
    const ownLayers = () => readdirSync(`${bed.dataRoot}/layers`).filter((name) => /-x/.test(name));
    expect(ownLayers()).not.toEqual([]);
    await bed.ctr('system', 'prune', '-f');
    expect(ownLayers()).toEqual([]);
  });

  promise('refuses what needs the caller’s id, with the reason', async () => {
    const outcome = await run(['--userns=nomap', '-v', '/etc:/other:O'], 'true');
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringContaining('your own id') });
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
