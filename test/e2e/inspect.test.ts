/** `ctr inspect`, `top`, `port`, `stats` and health checks of a container, in the fields that scripts read. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
  const flags = [
    '--network',
    'none',
    '--name',
    'one',
    '-e',
    'A=b',
    '-w',
    '/tmp',
    '--label',
    'x=y',
    '--cap-drop',
    'KILL',
  ];
  const health = ['--health-cmd', 'test -e /tmp/well', '--health-interval', 'disable', '--health-retries', '2'];
  await bed.ctr(
    'run',
    '-d',
    ...flags,
    ...health,
    '-v',
    `${bed.directory('data')}:/data:ro`,
    bed.image('busybox'),
    'sleep',
    '4712',
  );
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const field = async (template: string) => (await bed.ctr('inspect', '-f', template, 'one')).stdout.trim();

describe('ctr inspect of a container [E]', () => {
  promise('has Docker’s members', async () => {
    const [one] = JSON.parse((await bed.ctr('container', 'inspect', 'one')).stdout);
    expect(one).toMatchObject({
      Name: 'one',
      Path: 'sleep',
      Args: ['4712'],
      State: { Status: 'running', Running: true, Paused: false, ExitCode: 0 },
      Config: { Cmd: ['sleep', '4712'], WorkingDir: '/tmp', Labels: { x: 'y' } },
      HostConfig: { NetworkMode: 'none', CapDrop: ['CAP_KILL'], AutoRemove: false },
      Mounts: [{ Type: 'bind', Source: `${bed.home}/data`, Destination: '/data', RW: false }],
      ImageName: bed.image('busybox'),
    });
    expect(one.Id).toMatch(/^[0-9a-f]{64}$/);
    expect(one.Config.Env).toContain('A=b');
    expect(one.State.Pid).toBeGreaterThan(0);
  });

  promise('takes Go templates, --size and --type', async () => {
    expect(await field('{{.State.Status}} {{index .Config.Labels "x"}}')).toBe('running y');
    const sized = JSON.parse((await bed.ctr('inspect', '--size', 'one')).stdout);
    expect(sized[0].SizeRootFs).toBeGreaterThan(100_000);
    expect((await bed.ctr('inspect', '--type', 'image', 'one')).code).toBe(125);
  });

  promise('has the members that scripts ask Podman’s inspect for, also where they are empty', async () => {
    expect(await field('[{{.HostConfig.Links}}] [{{.HostConfig.CgroupParent}}] {{.HostConfig.Cgroups}}')).toBe(
      '[<no value>] [] default',
    );
    expect(await field('{{len .BoundingCaps}} {{len .EffectiveCaps}}')).toMatch(/^1[0-9] 1[0-9]$/);
    expect(await field('{{.ImageDigest}}')).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await field('{{.Config.StopSignal}} {{.Config.sdNotifyMode}} {{.StaticDir}}')).toBe(
      `SIGTERM container ${bed.dataRoot}/containers/${await field('{{.Id}}')}`,
    );
    await bed.ctr('create', '--name', 'unchecked', '--network', 'none', bed.image('busybox'), 'true');
    const unchecked = await bed.ctr('inspect', '-f', '[{{.State.Health.Status}}]', 'unchecked');
    expect(unchecked.stdout).toBe('[]\n');
  });

  promise('says /name in Docker’s personality', async () => {
    const { stdout } = await bed.ctrWith({ env: { CTR_COMPAT: 'docker' } }, 'inspect', '-f', '{{.Name}}', 'one');
    expect(stdout).toBe('/one\n');
  });
});

describe('ctr healthcheck run [E]', () => {
  promise('is 1 until the check passes, then 0, and ps and inspect show it', async () => {
    expect(await field('{{.State.Health.Status}}')).toBe('starting');
    expect((await bed.ctr('healthcheck', 'run', 'one')).code).toBe(1);
    expect((await bed.ctr('healthcheck', 'run', 'one')).stdout).toBe('unhealthy\n');
    expect((await bed.ctr('ps', '--filter', 'health=unhealthy', '--format', '{{.Status}}')).stdout).toContain(
      '(unhealthy)',
    );
    await bed.ctr('exec', 'one', 'touch', '/tmp/well');
    expect((await bed.ctr('healthcheck', 'run', 'one')).code).toBe(0);
    expect(await field('{{.State.Health.Status}} {{.State.Health.FailingStreak}}')).toBe('healthy 0');
  });

  promise('is 125 for a container without a check', async () => {
    await bed.ctr('run', '--network', 'none', '--name', 'plain', bed.image('busybox'), 'true');
    expect((await bed.ctr('healthcheck', 'run', 'plain')).code).toBe(125);
  });

  promise('is done by a timer while the container runs, and --health-on-failure=kill ends it', async () => {
    const flags = [
      '--health-cmd',
      'false',
      '--health-interval',
      '1s',
      '--health-retries',
      '2',
      '--health-on-failure',
      'kill',
    ];
    const outcome = await bed.ctr(
      'run',
      '--network',
      'none',
      '--name',
      'ill',
      ...flags,
      bed.image('busybox'),
      'sleep',
      '60',
    );
    expect(outcome.code).toBe(137);
    expect((await bed.ctr('inspect', '-f', '{{.State.Health.FailingStreak}}', 'ill')).stdout).toBe('2\n');
  });
});

describe('ctr top, port, stats [E]', () => {
  promise('top shows the processes with the container’s numbers, and the host’s where asked', async () => {
    const { stdout } = await bed.ctr('top', 'one', 'user', 'pid', 'huser', 'args');
    expect(stdout).toMatch(new RegExp(`^USER +PID +HUSER +COMMAND\\nroot +1 +${bed.user.uid} +sleep 4712\\n$`));
  });

  promise('port prints nothing for a container without ports, and an error for one that is asked for', async () => {
    expect(await bed.ctr('port', 'one')).toMatchObject({ code: 0, stdout: '' });
    expect((await bed.ctr('port', 'one', '80')).code).toBe(125);
  });

  promise('stats --no-stream says what it uses', async () => {
    const [row] = JSON.parse((await bed.ctr('stats', '--no-stream', '--format', 'json', 'one')).stdout);
    expect(row).toMatchObject({ name: 'one', pids: '1' });
    expect(row.mem_usage).toMatch(/^[\d.]+[kM]?B \/ /);
  });
});

describe('ctr info [E]', () => {
  const info = async (compat: 'podman' | 'docker', template: string) =>
    (await bed.ctrWith({ env: { CTR_COMPAT: compat } }, 'info', '--format', template)).stdout.trim();

  promise('answers what scripts ask podman', async () => {
    const asked = '{{.Host.Security.Rootless}} {{.Host.OCIRuntime.Name}} {{.Host.NetworkBackend}} {{.Store.GraphRoot}}';
    expect(await info('podman', asked)).toBe(`${bed.user.uid !== 0} ctr netavark ${bed.dataRoot}`);
    expect(await info('podman', '{{.Host.RemoteSocket.Exists}} {{.Version.Os}} {{.Host.SwapTotal}}')).toMatch(
      /^false linux \d+$/,
    );
  });

  promise('answers what scripts ask docker', async () => {
    const asked = '{{.ServerVersion}} {{.OSType}} {{.Driver}} {{.NCPU}} {{.Swarm.LocalNodeState}} {{.DockerRootDir}}';
    expect(await info('docker', asked)).toMatch(/^\d+\.\d+\.\d+ linux \w+ \d+ inactive \//);
    expect(await info('docker', '{{range .SecurityOptions}}{{println .}}{{end}}')).toContain('name=rootless');
    expect(JSON.parse(await info('docker', 'json'))).toMatchObject({
      ContainersRunning: 1,
      CgroupVersion: expect.any(String),
    });
  });
});
