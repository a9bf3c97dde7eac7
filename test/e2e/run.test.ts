/** `ctr pull` and `ctr run` as the manual page tells it: an unprivileged user, a registry, a Debian. */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { hostTools } from '../support/network-bed.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['busybox', 'debian', 'manylayers'] });
});
afterAll(() => bed?.close());

const run = (...args: readonly string[]) => bed.ctr('run', '--rm', '--network', 'none', ...args);
const debianPromise = needs('registry', 'skopeo', 'mmdebstrap', 'subordinate-ids');
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');

describe('stdio of another user than root [E]', () => {
  promise('can be opened by name, as programs do that log to /dev/stdout', async () => {
    const words = ['-u', '1000', bed.image('busybox'), 'sh', '-c', 'echo out >/dev/stdout; echo err >/dev/stderr'];
    expect(await bed.ctr('run', '-q', '--name', 'named-stdio', '--network', 'none', ...words)).toMatchObject({
      ...{ code: 0, stdout: 'out\n', stderr: 'err\n' },
    });
    expect(await bed.ctr('logs', 'named-stdio')).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
    await bed.ctr('rm', 'named-stdio');
    const far = await bed.ctr('run', '-q', '--rm', '-a', 'stdout', '--network', 'none', '--userns', 'auto', ...words);
    expect(far).toMatchObject({ code: 0, stdout: 'out\n' });
  });
});

describe('ctr pull [E]', () => {
  debianPromise('fetches debian:bookworm and keeps the owners that Debian gave its files', async () => {
    const debian = bed.image('debian');
    expect(await bed.ctr('pull', debian)).toMatchObject({ code: 0 });

    expect(await run(debian, 'stat', '-c', '%u:%g %a', '/etc/shadow')).toMatchObject({ code: 0, stdout: '0:42 640\n' });
    expect(await run(debian, 'stat', '-c', '%a', '/usr/bin/passwd')).toMatchObject({ stdout: '4755\n' });
  });

  debianPromise('prints the image ID on stdout, and progress elsewhere', async () => {
    const { stdout } = await bed.ctr('pull', '-q', bed.image('debian'));
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  });

  promise('says which image is missing when the registry does not have it', async () => {
    const outcome = await bed.ctr('pull', `${bed.registryHost}/no/such:image`);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain(`${bed.registryHost}/no/such:image`);
  });
});

describe('ctr run: who one is [E]', () => {
  promise('is uid 0 inside and the caller outside', async () => {
    const work = bed.directory('work');
    const outcome = await run('-v', `${work}:/work`, bed.image('busybox'), 'sh', '-c', 'id -u; touch /work/made');
    expect(outcome).toMatchObject({ code: 0, stdout: '0\n' });
    expect(statSync(`${work}/made`)).toMatchObject({ uid: bed.user.uid, gid: bed.user.gid });
  });

  for (const [user, ids] of [
    ['1000', '1000 1000'],
    ['www-data', '33 33'],
    ['5000:5000', '5000 5000'],
    ['0:33', '0 33'],
  ] as const) {
    promise(`is ${ids} (uid gid) with -u ${user}`, async () => {
      const outcome = await run('-u', user, bed.image('busybox'), 'sh', '-c', 'echo $(id -u) $(id -g)');
      expect(outcome).toMatchObject({ code: 0, stdout: `${ids}\n` });
    });
  }

  promise('has the supplementary groups that /etc/group gives the user', async () => {
    const { stdout } = await run('-u', 'user', bed.image('busybox'), 'id', '-G');
    expect(stdout.trim().split(' ').sort()).toEqual(['1000', '42']);
  });

  promise('refuses a user that the image does not know', async () => {
    const outcome = await run('-u', 'nobody-here', bed.image('busybox'), 'true');
    expect([125, 126]).toContain(outcome.code);
    expect(outcome.stderr).toContain('nobody-here');
  });
});

describe('ctr run: bind mounts [E]', () => {
  promise('shows the caller’s files as root’s, and writes them back as the caller’s', async () => {
    const dir = bed.directory('mine');
    bed.file('mine/hello', 'hello\n');
    const outcome = await run(
      '-v',
      `${dir}:/data`,
      bed.image('busybox'),
      'sh',
      '-c',
      'stat -c %u:%g /data/hello; cat /data/hello',
    );
    expect(outcome).toMatchObject({ code: 0, stdout: '0:0\nhello\n' });
  });

  promise('keeps :ro read-only', async () => {
    const dir = bed.directory('mine');
    const outcome = await run('-v', `${dir}:/data:ro`, bed.image('busybox'), 'touch', '/data/new');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('Read-only file system');
  });

  promise('refuses a source that does not exist', async () => {
    const outcome = await run('-v', `${bed.home}/absent:/data`, bed.image('busybox'), 'true');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain(`${bed.home}/absent`);
  });
});

describe('ctr run: exit codes, podman-run(1) "Exit Status" [E]', () => {
  promise('a stack trace is for --debug of ctr alone, whatever the command’s own flags are', async () => {
    const failing = ['run', '--rm', '--network', 'none', '-u', 'nobody-here', bed.image('busybox'), 'true', '-D'];
    expect((await bed.ctr(...failing)).stderr).not.toContain('    at ');
    expect((await bed.ctr('--debug', ...failing)).stderr).toContain('    at ');
  });

  promise('is the command’s own', async () => {
    expect((await run(bed.image('busybox'), 'sh', '-c', 'exit 42')).code).toBe(42);
  });

  promise('is 137 when SIGKILL ended the command', async () => {
    const running = bed.start('run', '--rm', '--network', 'none', bed.image('busybox'), 'sleep', '4242');
    await until('the command to run', () => commandsOf(bed).has('sleep 4242'));
    process.kill(commandsOf(bed).get('sleep 4242') ?? 0, 'SIGKILL');
    expect((await running.ended).code).toBe(137);
  });

  promise('is 127 when the command is not found', async () => {
    const outcome = await run(bed.image('busybox'), '/no/such/program');
    expect(outcome.code).toBe(127);
    expect(outcome.stderr).toContain('/no/such/program');
  });

  promise('is 126 when the command cannot be executed', async () => {
    expect((await run(bed.image('busybox'), '/etc/passwd')).code).toBe(126);
  });

  promise('is 125 when ctr itself fails', async () => {
    expect((await run('--no-such-flag', bed.image('busybox'), 'true')).code).toBe(125);
    expect((await run(`${bed.registryHost}/no/such:image`, 'true')).code).toBe(125);
  });
});

/** Command lines of the user's processes. */
function commandsOf(of: Bed): Map<string, number> {
  const commandOf = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return ''; // it has ended
    }
  };
  return new Map(of.processes().map((pid) => [commandOf(pid), pid]));
}

describe('ctr run: standard streams [E]', () => {
  promise('passes stdin with -i, and keeps stdout and stderr apart', async () => {
    const args = ['run', '--rm', '-i', '--network', 'none', bed.image('busybox'), 'sh', '-c', 'cat; echo oops >&2'];
    const outcome = await bed.ctrWith({ input: 'one\ntwo\n' }, ...args);
    expect(outcome).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
    expect(outcome.stderr).toBe('oops\n');
  });

  promise('gives an empty stdin without -i', async () => {
    const outcome = await bed.ctrWith({ input: 'x' }, 'run', '--rm', '--network', 'none', bed.image('busybox'), 'cat');
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
  });

  promise('passes 8 MB through unchanged', async () => {
    const input = Buffer.alloc(8_000_000, 'ctr moves bytes\n');
    const args = [
      'run',
      '--rm',
      '-i',
      '--network',
      'none',
      bed.image('busybox'),
      'sh',
      '-c',
      'cat | md5sum; cat /dev/null',
    ];
    const inside = await bed.ctrWith({ input }, ...args);
    const outside = await bed.sh('md5sum', { input });
    expect(inside.stdout).toBe(outside.stdout);
  });
});

describe('ctr run: signals [E]', () => {
  const trap = 'trap "echo got TERM; exit 7" TERM; echo ready; while :; do sleep 0.1; done';

  promise('passes SIGTERM on to the command, whose answer is the exit code', async () => {
    const running = bed.start('run', '--rm', '--network', 'none', bed.image('busybox'), 'sh', '-c', trap);
    await until('the command to be ready', () => running.stdout().includes('ready'));
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 7, stdout: 'ready\ngot TERM\n' });
  });

  promise('exits with 143 when SIGTERM ends the command', async () => {
    const command = ['sh', '-c', 'echo ready; sh -c "echo \\$\\$ >/tmp/pid; exec sleep 60"'];
    const running = bed.start('run', '--rm', '--init', '--network', 'none', bed.image('busybox'), ...command);
    await until('the command to be ready', () => running.stdout().includes('ready'));
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
  });

  promise('leaves no container alone when SIGTERM comes in the middle of the start', async () => {
    for (let delayMs = 20; delayMs < 140; delayMs += 10) {
      const running = bed.start('run', '--rm', '--network', 'none', bed.image('busybox'), 'sh', '-c', trap);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      running.child.kill('SIGTERM');
      expect([7, null]).toContain((await running.ended).code);
    }
    const alone = async () => (await bed.ctr('ps', '-q')).stdout;
    await until('all containers to end', async () => (await alone()) === '');
    await bed.ctr('rm', '-fa');
  });

  promise('leaves neither mount nor half-made state when ctr is killed by SIGKILL', async () => {
    const running = bed.start(
      'run',
      '--rm',
      '--name',
      'victim',
      '--network',
      'none',
      bed.image('busybox'),
      'sh',
      '-c',
      trap,
    );
    await until('the command to be ready', () => running.stdout().includes('ready'));
    const killed = new Promise((resolve) => running.child.once('exit', resolve));
    running.child.kill('SIGKILL');
    await killed;

    expect(bed.mounts()).toEqual([]);
    expect(await run(bed.image('busybox'), 'echo', 'next')).toMatchObject({ code: 0, stdout: 'next\n' });
    expect(await bed.ctr('images')).toMatchObject({ code: 0 });
    // The container itself goes on under its supervisor, which also keeps the promise of --rm.
    expect(await bed.ctr('ps', '--format', '{{.Names}}')).toMatchObject({ stdout: 'victim\n' });
    expect(await bed.ctr('stop', '-t', '0', 'victim')).toMatchObject({ code: 0 });
    await until('--rm to be done', async () => (await bed.ctr('ps', '-aq')).stdout === '');
  });
});

describe('ctr run: the container’s world [E]', () => {
  promise('has its own process ids, host name and an empty network', async () => {
    const script = 'echo $$; hostname; ls /sys/class/net';
    const { stdout } = await run('--hostname', 'inside', bed.image('busybox'), 'sh', '-c', script);
    expect(stdout).toBe('1\ninside\nlo\n');
  });

  promise('cannot see the host’s processes or mount its disks', async () => {
    const outcome = await run(bed.image('busybox'), 'sh', '-c', 'mount -t tmpfs none /tmp; ls -d /proc/[0-9]* | wc -l');
    expect(outcome.stderr).toMatch(/permission denied|Operation not permitted/i);
    expect(Number(outcome.stdout)).toBeLessThan(6);
  });

  promise('takes environment, directory and an emptied entrypoint from the flags', async () => {
    const flags = ['-e', 'GREETING=hi there', '-w', '/var/www', '--entrypoint', 'sh'];
    const { stdout } = await run(...flags, bed.image('busybox'), '-c', 'echo "$GREETING" $(pwd)');
    expect(stdout).toBe('hi there /var/www\n');
  });

  promise('keeps one container’s changes from the next', async () => {
    await run(bed.image('busybox'), 'sh', '-c', 'echo mine >/etc/passwd');
    expect((await run(bed.image('busybox'), 'head', '-c', '4', '/etc/passwd')).stdout).toBe('root');
  });

  promise(
    'runs an image with 150 layers, whiteout included',
    async () => {
      const outcome = await run(
        bed.image('manylayers'),
        'sh',
        '-c',
        'cat /level; ls /levels | wc -l; test -e /levels/2',
      );
      expect(outcome).toMatchObject({ code: 1, stdout: '150\n148\n' });
    },
    240_000,
  );
});

describe('ctr run --network slirp4netns [E]', () => {
  const slirp = needs('registry', 'skopeo', 'busybox', 'subordinate-ids', 'slirp4netns');

  slirp('offers its name server and leaves no process behind, also when the start fails', async () => {
    const flags = ['--rm', '--network', 'slirp4netns', bed.image('busybox')];
    expect((await bed.ctr('run', ...flags, 'cat', '/etc/resolv.conf')).stdout).toContain('nameserver 10.0.2.3');
    expect(await bed.ctr('run', ...flags, 'no-such-command')).toMatchObject({ code: 127 });
    await until('all processes to be gone', () => bed.processes().length === 0);
  });

  slirp('publishes TCP and UDP ports, also where pasta is missing, wherever its net is', async () => {
    const serve = '/usr/bin/socat UDP4-RECVFROM:53,fork EXEC:cat & nc -ll -p 80 -e echo hello';
    const server = (...flags: readonly string[]) => {
      const ports = ['-p', '127.0.0.1::80', '-p', '53/udp'];
      return bed.ctrWith(
        { env: { PATH: flags.length === 0 ? bin : (bed.env.PATH ?? '') } },
        ...['run', '-d', '--name', 'web', ...flags, ...ports, ...hostTools, bed.image('busybox'), 'sh', '-c', serve],
      );
    };
    const bin = `${bed.env.PATH?.split(':')[0]}:${bed.directory('only-slirp')}`;
    await bed.sh('for p in slirp4netns newuidmap newgidmap rm; do ln -s $(command -v $p) only-slirp/; done');
    const own = (await bed.sh("hostname -I | cut -d' ' -f1")).stdout.trim();
    for (const flags of [[], ['--network', 'slirp4netns:cidr=192.168.7.0/24,port_handler=slirp4netns']]) {
      expect(await server(...flags)).toMatchObject({ code: 0 });
      const tcp = (await bed.ctr('port', 'web', '80')).stdout.trim();
      // Answers to the host's own loopback do not come back when that is out of reach.
      const udp = (await bed.ctr('port', 'web', '53/udp')).stdout.trim().replace('0.0.0.0', own);
      const ask = `socat -t 2 - TCP4:${tcp} </dev/null; echo pong | socat -t 2 - UDP4:${udp}`;
      expect((await bed.sh(ask)).stdout).toBe('hello\npong\n');
      await bed.ctr('rm', '-f', '-t', '0', 'web');
    }
    await until('all processes to be gone', () => bed.processes().length === 0);
  });

  slirp('refuses options and ports that it does not have, before anything is made', async () => {
    const run = (...flags: readonly string[]) =>
      bed.ctr('run', '-d', '--network', 'slirp4netns', ...flags, bed.image('busybox'), 'sleep', '9');
    const before = (await bed.ctr('ps', '-aq')).stdout;
    const other = await bed.ctr('run', '-d', '--network', 'slirp4netns:port_handler=rootlesskit', bed.image('busybox'));
    expect(other.stderr).toContain('port_handler=rootlesskit: ports are forwarded by slirp4netns itself');
    expect((await run('-p', '[::1]:8080:80')).stderr).toContain('slirp4netns forwards IPv4 only');
    expect((await run('-p', '8080:80/sctp')).stderr).toMatch(
      /cannot publish 8080\/sctp: (this kernel has no SCTP|no program)/,
    );
    expect((await bed.ctr('ps', '-aq')).stdout).toBe(before);
  });
});
