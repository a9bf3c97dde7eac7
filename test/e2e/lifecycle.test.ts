/** create, start, stop, kill, rm, wait, rename, prune, events: the life of a container, as podman's manual pages tell it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['busybox'] });
});
afterEach(async () => {
  await bed.ctr('rm', '-f', '-t', '0', '--all', '--depend');
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const [trapping, ignoring] = ['trap "exit 5" TERM', 'trap "" TERM'].map(
  (trap) => `${trap}; echo ready; while :; do sleep 0.05; done`,
);

const container = (verb: 'run' | 'create', flags: readonly string[], ...command: readonly string[]) =>
  bed.ctr(verb, '--network', 'none', ...flags, bed.image('busybox'), ...command);
const detached = (name: string, ...command: readonly string[]) => container('run', ['-d', '--name', name], ...command);
const shell = async (name: string, script = '') => {
  await detached(name, 'sh', '-c', script);
  await until('the command to be ready', async () => (await bed.ctr('logs', name)).stdout.includes('ready'));
};
const inspected = async (name: string, template: string) =>
  (await bed.ctr('ps', '-a', '--filter', `name=^${name}$`, '--format', template)).stdout.trim();
const namesOfAll = async () => (await bed.ctr('ps', '-a', '--format', '{{.Names}}')).stdout.split('\n').filter(Boolean);

describe('ctr run -d [E] podman-run(1)', () => {
  promise('prints the ID, returns while the command runs, and keeps no descriptor of the caller', async () => {
    const { code, stdout } = await bed.sh(`ctr run -d --name d --network none ${bed.image('busybox')} sleep 60 | cat`, {
      timeoutMs: 20_000,
    });
    expect({ code, isId: /^[0-9a-f]{64}\n$/.test(stdout) }).toEqual({ code: 0, isId: true });
    expect(await inspected('d', '{{.State}}')).toBe('running');
  });

  promise('leaves no Node behind: a supervisor of less than 200 kB, and the command', async () => {
    await detached('small', 'sleep', '61');
    const names = async () =>
      (
        await bed.sh(
          `cat ${bed
            .processes()
            .map((pid) => `/proc/${pid}/comm`)
            .join(' ')}`,
        )
      ).stdout;
    // The supervisors of earlier tests may still be cleaning up.
    await until(
      'two processes',
      async () => (await names()).trim().split('\n').sort().join() === 'ctr-supervise,sleep',
    );
    const supervisor = bed.processes().find((pid) => /supervise/.test(readFileSync(`/proc/${pid}/comm`, 'latin1')));
    const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${supervisor}/smaps_rollup`, 'latin1'));
    expect(Number(pss?.[1])).toBeLessThan(200);
  });

  promise('removes the container when it has ended, with --rm, and `wait` still says how', async () => {
    await container('run', ['-d', '--rm', '--name', 'gone'], 'sh', '-c', 'sleep 0.3; exit 4');
    expect(await bed.ctr('wait', 'gone')).toMatchObject({ code: 0, stdout: '4\n' });
    await until('its removal', async () => (await namesOfAll()).length === 0);
  });

  promise('ends it after --timeout', async () => {
    const started = Date.now();
    expect((await container('run', ['--rm', '--timeout', '1'], 'sleep', '60')).code).toBe(137);
    expect(Date.now() - started).toBeLessThan(10_000);
  });
});

describe('ctr create, start [E] podman-start(1)', () => {
  promise('makes a container that does not run, and starts it with its own flags, again and again', async () => {
    const { stdout: id } = await container('create', ['--name', 'c', '-e', 'A=b'], 'sh', '-c', 'echo $A; exit 3');
    expect(id).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await inspected('c', '{{.State}}')).toBe('created');
    for (let round = 0; round < 2; round++) {
      expect(await bed.ctr('start', '-a', 'c')).toMatchObject({ code: 3, stdout: 'b\n' });
    }
    expect(await bed.ctr('start', id.slice(0, 12))).toMatchObject({ code: 0, stdout: `${id.slice(0, 12)}\n` });
    expect(await bed.ctr('wait', 'c')).toMatchObject({ stdout: '3\n' });
  });

  promise('passes the input on with -ai', async () => {
    await container('create', ['-i', '--name', 'cat'], 'cat');
    expect(await bed.ctrWith({ input: 'hello\n' }, 'start', '-ai', 'cat')).toMatchObject({ stdout: 'hello\n' });
  });

  promise('starts all that do not run, and leaves those that do', async () => {
    for (const name of ['x', 'y']) await container('create', ['--name', name], 'sleep', '60');
    expect(await bed.ctr('start', 'x')).toMatchObject({ code: 0, stdout: 'x\n' });
    expect(await bed.ctr('start', 'x')).toMatchObject({ code: 0, stdout: 'x\n' });
    expect((await bed.ctr('start', '--all')).stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await bed.ctr('ps', '-q')).stdout.split('\n')).toHaveLength(3);
  });

  promise('starts what it requires first, and refuses to remove that alone', async () => {
    await container('create', ['--name', 'db'], 'sleep', '60');
    await container('run', ['-d', '--name', 'web', '--requires', 'db'], 'sleep', '60');
    expect(await inspected('db', '{{.State}}')).toBe('running');
    const refused = await bed.ctr('rm', '-f', 'db');
    expect(refused).toMatchObject({ code: 125 });
    expect(refused.stderr).toContain('web');
    expect(await bed.ctr('rm', '-f', '--depend', 'db')).toMatchObject({ code: 0 });
    expect(await namesOfAll()).toEqual([]);
  });

  promise('says what failed, and leaves it as it was, when the command is not there', async () => {
    const failed = await container('run', ['--name', 'bad'], '/no/such');
    expect(failed.code).toBe(127);
    expect(await inspected('bad', '{{.Status}}')).toBe('Created');
    expect((await bed.ctr('start', 'bad')).code).toBe(127);
    // What frees ctr's memory ends some milliseconds after it.
    await until('no process to be left', () => bed.processes().length === 0);
  });

  promise('takes the place of a container of the same name, with --replace', async () => {
    await detached('web', 'sleep', '60');
    expect((await container('create', ['--name', 'web'], 'true')).stderr).toContain('"web" is already in use');
    expect(await container('create', ['--name', 'web', '--replace'], 'true')).toMatchObject({ code: 0 });
    expect(await inspected('web', '{{.State}}')).toBe('created');
  });
});

describe('ctr stop, kill, restart [E] podman-stop(1), podman-kill(1)', () => {
  promise('asks with the stop signal and takes the answer', async () => {
    await shell('polite', trapping);
    expect(await bed.ctr('stop', 'polite')).toMatchObject({ code: 0, stdout: 'polite\n', stderr: '' });
    expect(await bed.ctr('wait', 'polite')).toMatchObject({ stdout: '5\n' });
  });

  promise('uses --stop-signal', async () => {
    await container(
      'run',
      ['-d', '--name', 'usr1', '--stop-signal', 'USR1'],
      'sh',
      '-c',
      trapping?.replace('TERM', 'USR1') ?? '',
    );
    await until('ready', async () => (await bed.ctr('logs', 'usr1')).stdout.includes('ready'));
    await bed.ctr('stop', 'usr1');
    expect(await bed.ctr('wait', 'usr1')).toMatchObject({ stdout: '5\n' });
  });

  promise('kills what does not answer within -t seconds, and says so', async () => {
    await shell('stubborn', ignoring);
    const before = Date.now();
    const { code, stderr } = await bed.ctr('stop', '-t', '1', 'stubborn');
    expect({ code, waited: Date.now() - before >= 1000 }).toEqual({ code: 0, waited: true });
    expect(stderr).toContain('killed');
    expect(await inspected('stubborn', '{{.State}}')).toBe('exited');
  });

  promise('does not wait for a first process that the kernel keeps the signal from', async () => {
    await detached('deaf', 'sleep', '60');
    const before = Date.now();
    expect(await bed.ctr('stop', 'deaf')).toMatchObject({ code: 0 });
    expect(Date.now() - before).toBeLessThan(5000);
  });

  promise('is no error for one that does not run, and 125 for one that is not there', async () => {
    await container('create', ['--name', 'idle'], 'true');
    expect(await bed.ctr('stop', 'idle')).toMatchObject({ code: 0, stdout: 'idle\n' });
    expect(await bed.ctr('stop', 'nobody')).toMatchObject({ code: 125 });
    expect(await bed.ctr('stop', '--ignore', 'nobody')).toMatchObject({ code: 0 });
  });

  promise('stops all that run, and those alone', async () => {
    for (const name of ['a', 'b']) await detached(name, 'sleep', '60');
    await container('create', ['--name', 'c'], 'true');
    expect((await bed.ctr('stop', '-t', '0', '--all')).stdout.match(/^[0-9a-f]{64}$/gm)).toHaveLength(2);
    expect((await bed.ctr('ps', '-q')).stdout).toBe('');
  });

  promise('sends the signal that was asked for, and refuses for one that does not run', async () => {
    await shell('hup', 'trap "exit 9" HUP; echo ready; while :; do sleep 0.05; done');
    expect(await bed.ctr('kill', '-s', 'HUP', 'hup')).toMatchObject({ code: 0, stdout: 'hup\n' });
    expect(await bed.ctr('wait', 'hup')).toMatchObject({ stdout: '9\n' });
    const again = await bed.ctr('kill', 'hup');
    expect(again).toMatchObject({ code: 125 });
    expect(again.stderr).toContain('can only kill running containers');
    expect(await bed.ctr('kill', '-s', 'NONSENSE', 'hup')).toMatchObject({ code: 125 });
  });

  promise('restarts as a new process', async () => {
    await detached('again', 'sleep', '60');
    const pid = await inspected('again', '{{.Pid}}');
    expect(await bed.ctr('restart', '-t', '0', 'again')).toMatchObject({ code: 0, stdout: 'again\n' });
    expect(await inspected('again', '{{.State}}')).toBe('running');
    expect(await inspected('again', '{{.Pid}}')).not.toBe(pid);
  });
});

describe('ctr rm, prune, rename, exists [E] podman-rm(1)', () => {
  promise('has the exit codes of podman rm: 1 for what is not there, 2 for what runs', async () => {
    await detached('up', 'sleep', '60');
    expect(await bed.ctr('rm', 'nobody')).toMatchObject({ code: 1 });
    expect(await bed.ctr('rm', 'up')).toMatchObject({ code: 2 });
    expect(await bed.ctr('rm', '-f', 'nobody', 'up')).toMatchObject({ code: 0, stdout: 'up\n' });
    expect(await namesOfAll()).toEqual([]);
  });

  promise('deletes files of all ids, and leaves nothing in the store', async () => {
    await container('run', ['--name', 'files'], 'sh', '-c', 'mkdir /d; touch /d/f; chown -R 1000:33 /d; chmod 0 /d');
    expect(await bed.ctr('rm', 'files')).toMatchObject({ code: 0 });
    for (const folder of ['containers', 'names', 'tmp']) {
      expect(readdirSync(`${bed.dataRoot}/${folder}`)).toEqual([]);
    }
    expect(existsSync(`${bed.env.XDG_RUNTIME_DIR}/ctr/containers/files`)).toBe(false);
  });

  promise('reads the ID from --cidfile', async () => {
    const file = `${bed.home}/cid`;
    await container('create', ['--cidfile', file], 'true');
    expect(await bed.ctr('rm', '--cidfile', file)).toMatchObject({ code: 0 });
    expect(await namesOfAll()).toEqual([]);
  });

  promise('prunes what does not run, with labels that match', async () => {
    await detached('up', 'sleep', '60');
    await container('create', ['--name', 'old', '--label', 'keep=no'], 'true');
    await container('create', ['--name', 'kept'], 'true');
    expect((await bed.ctr('container', 'prune', '-f', '--filter', 'label=keep')).stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await namesOfAll()).sort()).toEqual(['kept', 'up']);
    await bed.ctrWith({ input: 'n\n' }, 'container', 'prune');
    expect((await namesOfAll()).sort()).toEqual(['kept', 'up']);
    expect(await bed.ctrWith({ input: 'y\n' }, 'container', 'prune')).toMatchObject({ code: 0 });
    expect(await namesOfAll()).toEqual(['up']);
  });

  promise('gives a running container another name; the old one is free then', async () => {
    await detached('before', 'sleep', '60');
    expect(await bed.ctr('rename', 'before', 'after')).toMatchObject({ code: 0, stdout: '' });
    expect(await bed.ctr('container', 'exists', 'after')).toMatchObject({ code: 0 });
    expect(await bed.ctr('container', 'exists', 'before')).toMatchObject({ code: 1 });
    expect(await container('create', ['--name', 'before'], 'true')).toMatchObject({ code: 0 });
    expect(await bed.ctr('rename', 'after', 'before')).toMatchObject({ code: 125 });
  });
});

describe('ctr run --restart [E] podman-run(1)', () => {
  const endings = async (name: string) =>
    (await bed.ctr('events', '--stream=false', '--filter', `container=${name}`, '--filter', 'event=died')).stdout
      .split('\n')
      .filter(Boolean).length;

  promise('tries it three times more with on-failure:3', async () => {
    await container('run', ['-d', '--name', 'failing', '--restart', 'on-failure:3'], 'sh', '-c', 'exit 1');
    await until('four ends', async () => (await endings('failing')) === 4);
    await until('its clean-up', () => bed.processes().length === 0);
    expect(await endings('failing')).toBe(4);
    expect(await inspected('failing', '{{.State}} {{.ExitCode}} {{.Restarts}}')).toBe('exited 1 3');
  });

  promise('brings it back after its supervised end, until the user stops it', async () => {
    await container('run', ['-d', '--name', 'phoenix', '--restart', 'always'], 'sleep', '60');
    const first = await inspected('phoenix', '{{.Pid}}');
    expect(Number(first)).toBeGreaterThan(1);
    process.kill(Number(first), 'SIGKILL');
    await until('another process', async () => ![first, '0'].includes(await inspected('phoenix', '{{.Pid}}')));
    await bed.ctr('stop', '-t', '0', 'phoenix');
    await until('its end', () => bed.processes().length === 0);
    expect(await inspected('phoenix', '{{.State}}')).toBe('exited');
  });
});

describe('ctr events [E] podman-events(1)', () => {
  promise('tells what happened, and what happens', async () => {
    const since = String(Date.now() / 1000);
    const stream = bed.start('events', '--filter', 'container=told', '--format', '{{.Status}}');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await container('run', ['--rm', '--name', 'told'], 'sh', '-c', 'exit 6');
    await until('the last event', () => stream.stdout().includes('remove'));
    stream.child.kill('SIGKILL');
    await stream.ended;
    expect(stream.stdout()).toBe('create\nstart\ndied\nremove\n');
    const past = await bed.ctr(
      'events',
      '--since',
      since,
      '--until',
      '0s',
      '--filter',
      'event=died',
      '--format',
      'json',
    );
    expect(JSON.parse(past.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      ...{ Name: 'told', Status: 'died', Type: 'container', ContainerExitCode: 6 },
    });
  });

  promise('speaks Docker where Docker is meant', async () => {
    const since = String(Date.now() / 1000);
    await container('run', ['--rm', '--name', 'docked'], 'sh', '-c', 'exit 3');
    const asked = ['events', '--since', since, '--until', '0s', '--filter', 'container=docked', '--format'];
    const docker = { env: { CTR_COMPAT: 'docker' } };
    const template = '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}';
    expect((await bed.ctrWith(docker, ...asked, template)).stdout).toContain('container die docked 3\n');
    const died = (await bed.ctrWith(docker, ...asked, '{{json .}}', '--filter', 'event=die')).stdout;
    expect(JSON.parse(died)).toMatchObject({ status: 'die', Type: 'container', Action: 'die', scope: 'local' });
    expect((await bed.ctr(...asked, '{{.Status}} {{.ContainerExitCode}}')).stdout).toContain('died 3\n');
  });
});

describe('a container whose record is broken [E]', () => {
  promise('hinders no other one, and can be removed', async () => {
    await bed.ctr('create', '--name', 'broken', '--network', 'none', bed.image('busybox'), 'true');
    await bed.ctr('create', '--name', 'whole', '--network', 'none', bed.image('busybox'), 'true');
    await bed.sh(
      `sed -i 's/"mounts"/"mounds"/' .local/share/ctr/containers/$(ctr ps -aq --no-trunc -f name=broken)/container.json`,
    );
    expect(await bed.ctr('rm', '-f', 'whole')).toMatchObject({ code: 0 });
    expect(await bed.ctr('rm', '-f', 'broken')).toMatchObject({ code: 0 });
    expect(await bed.ctr('ps', '-aq')).toMatchObject({ code: 0, stdout: '' });
  });
});
