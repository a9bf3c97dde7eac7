/** `ctr exec` as podman-exec(1) tells it: who one is, what one sees, how it ends. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

let bed: Bed;
let terminal: Terminal | undefined;
const script = 'trap "exit 0" TERM; echo kept >/tmp/kept; while :; do sleep 0.1; done';
beforeAll(async () => {
  bed = await openBed();
  const flags = [
    '-d',
    '--name',
    'web',
    '--hostname',
    'inside',
    '-e',
    'OF=container',
    '-w',
    '/var',
    '--network',
    'none',
  ];
  await bed.ctr('run', ...flags, bed.image('busybox'), 'sh', '-c', script);
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const terminalPromise = needs('registry', 'skopeo', 'busybox', 'tmux', 'subordinate-ids');
const exec = (...args: readonly string[]) => bed.ctr('exec', ...args);

describe('ctr exec [E]', () => {
  promise('enters all of the container: its files, processes, host name and network', async () => {
    const look = 'cat /tmp/kept; hostname; cat /proc/1/comm; ls /sys/class/net';
    expect(await exec('web', 'sh', '-c', look)).toMatchObject({ code: 0, stdout: 'kept\ninside\nsh\nlo\n' });
  });

  promise('has the environment and directory of the container, with the flags on top', async () => {
    const look = 'echo $OF $EXTRA $(pwd)';
    expect(await exec('-e', 'EXTRA=more', 'web', 'sh', '-c', look)).toMatchObject({ stdout: 'container more /var\n' });
    expect(await exec('-w', '/tmp', '-e', 'OF=exec', 'web', 'sh', '-c', look)).toMatchObject({ stdout: 'exec /tmp\n' });
  });

  promise('has no more power than the container’s own process', async () => {
    const look = 'grep -E "^(Cap|NoNewPrivs|Seccomp)" /proc/PID/status';
    const own = await exec('web', 'sh', '-c', look.replace('PID', '1'));
    expect(await exec('web', 'sh', '-c', look.replace('PID', 'self'))).toMatchObject({ code: 0, stdout: own.stdout });
    expect(own.stdout).toMatch(/Seccomp:\t2/);
  });

  promise('gives another user no capabilities, and the home that /etc/passwd says', async () => {
    const look = 'id -u; id -G; echo $HOME; grep CapEff /proc/self/status';
    const { stdout } = await exec('-u', 'user', 'web', 'sh', '-c', look);
    expect(stdout).toMatch(/^1000\n(1000 42|42 1000)\n\/home\nCapEff:\t0{16}\n$/);
  });

  promise('reads a user that was added while the container runs', async () => {
    await exec('web', 'sh', '-c', 'echo "late:x:777:778::/late:/bin/sh" >>/etc/passwd');
    expect(await exec('-u', 'late', 'web', 'id')).toMatchObject({ stdout: 'uid=777(late) gid=778\n' });
  });

  promise('does not follow /etc/passwd out of the container', async () => {
    await exec('web', 'sh', '-c', 'mv /etc/passwd /etc/old; ln -s /../../../../etc/passwd.host /etc/passwd');
    const outcome = await exec('-u', bed.user.name, 'web', 'id');
    await exec('web', 'sh', '-c', 'mv /etc/old /etc/passwd');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain(bed.user.name);
  });

  promise('has all capabilities and no filter with --privileged', async () => {
    const { stdout } = await exec('--privileged', 'web', 'grep', '-E', '^(CapEff|Seccomp):', '/proc/self/status');
    expect(stdout).toMatch(/CapEff:\t0*1ffffffffff\nSeccomp:\t0/);
  });

  promise('holds no descriptor of the host', async () => {
    const { stdout } = await exec('web', 'sh', '-c', 'echo /proc/self/fd/*; ls -l /proc/$$/fd');
    expect(stdout.split('\n')[0]).toMatch(/^(\/proc\/self\/fd\/[0-3] ?)+$/);
    const { code, stdout: listing } = await exec('-w', '/proc/self/fd/0', 'web', 'ls');
    expect([code, listing]).toEqual([127, '']);
  });

  promise('passes stdin with -i only, and keeps stdout and stderr apart', async () => {
    const outcome = await bed.ctrWith({ input: 'one\n' }, 'exec', '-i', 'web', 'sh', '-c', 'cat; echo oops >&2');
    expect(outcome).toMatchObject({ code: 0, stdout: 'one\n', stderr: 'oops\n' });
    expect(await bed.ctrWith({ input: 'one\n' }, 'exec', 'web', 'cat')).toMatchObject({ code: 0, stdout: '' });
  });

  promise('lets another user open /dev/stdout', async () => {
    const outcome = await bed.sh('ctr exec -u 33 web sh -c "echo yes >/dev/stdout" | cat');
    expect(outcome).toMatchObject({ code: 0, stdout: 'yes\n' });
  });

  promise('gives the descriptors of --preserve-fds', async () => {
    const outcome = await bed.sh('echo given >f; exec 3<f; ctr exec --preserve-fds=1 web sh -c "cat <&3"');
    expect(outcome).toMatchObject({ code: 0, stdout: 'given\n' });
    expect((await exec('--preserve-fds=1', 'web', 'true')).code).toBe(125);
  });

  promise('leaves a detached command running', async () => {
    expect(await exec('-d', 'web', 'sh', '-c', 'sleep 0.3; echo later >/tmp/later')).toMatchObject({ code: 0 });
    await until('the file', async () => (await exec('web', 'cat', '/tmp/later')).stdout === 'later\n');
  });

  promise('works 32 times at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 32 }, (_, n) => exec('web', 'echo', String(n))));
    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(outcomes.map((_, n) => [0, `${n}\n`]));
  });
});

describe('ctr exec: exit codes, podman-exec(1) "Exit Status" [E]', () => {
  for (const [what, code, command] of [
    ['the command’s own', 42, ['sh', '-c', 'exit 42']],
    ['137 after SIGKILL', 137, ['sh', '-c', 'kill -9 $$']],
    ['127 when the command is not found', 127, ['/no/such/program']],
    ['126 when it cannot be executed', 126, ['/etc/passwd']],
  ] as const) {
    promise(`is ${what}`, async () => expect((await exec('web', ...command)).code).toBe(code));
  }

  promise('is 125 when the container does not run', async () => {
    await bed.ctr('run', '--name', 'over', '--network', 'none', bed.image('busybox'), 'true');
    const outcome = await exec('over', 'true');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('not running');
  });

  promise('passes SIGTERM on to the command', async () => {
    const running = bed.start(
      'exec',
      'web',
      'sh',
      '-c',
      'trap "echo got; exit 7" TERM; echo ready; while :; do sleep 0.1; done',
    );
    await until('the command to be ready', () => running.stdout().includes('ready'));
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 7, stdout: 'ready\ngot\n' });
  });
});

describe('ctr exec -it [E]', () => {
  async function execInTerminal(...words: readonly string[]): Promise<Terminal> {
    const line = `trap : INT; ctr exec ${words.join(' ')}; echo "ended with $?"`;
    terminal = await openTerminal(line, { user: bed.user, env: bed.env, columns: 100, rows: 30 });
    return terminal;
  }

  terminalPromise('has a terminal of the caller’s size, which follows changes', async () => {
    const shown = await execInTerminal('-it', 'web', 'sh');
    await shown.type('tty; stty size');
    await shown.press('Enter');
    await shown.shows(/\/dev\/pts\/\d+\n30 100/);
    await shown.resize(132, 43);
    await shown.type('stty size');
    await shown.press('Enter');
    await shown.shows(/^43 132$/m);
  });

  terminalPromise('loses nothing of the last output', async () => {
    const shown = await execInTerminal('-it', 'web', 'sh', '-c', "'seq 5000; exit 5'");
    await shown.shows(/\n5000\nended with 5/);
  });

  terminalPromise('goes on without the caller after the detach keys', async () => {
    const shown = await execInTerminal(
      '-it',
      '--detach-keys',
      'ctrl-x,x',
      'web',
      'sh',
      '-c',
      "'echo ready; sleep 4321'",
    );
    await shown.shows(/ready/);
    await shown.press('C-x', 'x');
    await shown.shows(/ended with 0/);
    expect((await exec('web', 'ps')).stdout).toContain('sleep 4321');
  });

  terminalPromise('copies to the caller’s terminal without -t, and Ctrl-C reaches the command', async () => {
    const shown = await execInTerminal(
      'web',
      'sh',
      '-c',
      `'trap "echo stopped; exit 9" INT; echo ready; sleep 60 & wait'`,
    );
    await shown.shows(/ready/);
    await shown.press('C-c');
    await shown.shows(/stopped\s+ended with 9/);
  });
});
