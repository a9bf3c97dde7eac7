/** `ctr build --ssh`: agents and key files for RUN --mount=type=ssh, and git over ssh (docs/build.md "ssh"). */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { type Running, startAs, until } from '../support/run-as.ts';
import { makeToolImage } from '../support/tool-image.ts';

let bed: Bed;
let sshd: Running | undefined;
let port = 0;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids', 'ssh');
const withServer = needs('registry', 'skopeo', 'busybox', 'subordinate-ids', 'ssh', 'sshd', 'git');

beforeAll(async () => {
  bed = await openBed();
  await bed.sh('ssh-keygen -q -t ed25519 -N "" -C "the key" -f key; ssh-keygen -q -t ed25519 -N words -f locked');
  const programs = ['/usr/bin/ssh', '/usr/bin/ssh-add', '/usr/bin/git'];
  await makeToolImage(
    bed,
    programs.filter((path) => existsSync(path)),
  );
});
afterAll(async () => {
  sshd?.child.kill('SIGTERM');
  await bed?.close();
});

const fingerprint = async () => (await bed.sh('ssh-keygen -lf key')).stdout.split(' ')[1] ?? 'none';

async function build(dockerfile: readonly string[], flags: readonly string[], env: Record<string, string> = {}) {
  bed.directory('context');
  bed.file('context/Dockerfile', ['FROM localhost/tools', ...dockerfile].join('\n'));
  return bed.ctrWith({ env }, 'build', '--no-cache', '--network', 'none', ...flags, 'context');
}

describe('ctr build --ssh [E]', () => {
  promise('passes an agent to the step that asks for it, as its user, to list keys and to sign', async () => {
    const socket = `${bed.home}/agent`;
    await bed.sh(`ssh-agent -a ${socket} >agent.env; SSH_AUTH_SOCK=${socket} ssh-add -q key`);
    const steps = [
      'RUN --mount=type=ssh ssh-add -l; ssh-add -D; ssh-add -l | wc -l',
      'USER 33',
      'RUN --mount=type=ssh,uid=33 ssh-add -l',
      'RUN ! ssh-add -l && test ! -e /run/buildkit',
    ];
    const built = await build(steps, ['--ssh', 'default'], { SSH_AUTH_SOCK: socket });
    expect(built.code, built.stderr).toBe(0);
    expect(built.stderr.split(await fingerprint())).toHaveLength(3);
    expect(built.stderr).toContain('Failed to remove all identities');
    expect((await bed.sh(`SSH_AUTH_SOCK=${socket} ssh-add -l; . ./agent.env; kill $SSH_AGENT_PID`)).stdout).toContain(
      await fingerprint(),
    );
  });

  promise('loads key files into an agent of the build’s own, which ends with it', async () => {
    await bed.sh('chmod 644 key; ssh-keygen -q -t ecdsa -N "" -f second');
    const steps = ['RUN --mount=type=ssh,id=both ssh-add -l | wc -l; ssh-add -l'];
    const built = await build(steps, ['--ssh', 'both=key,second']);
    await bed.sh('chmod 600 key');
    expect(built.stderr).toMatch(/#\d+ 2\n/);
    expect(built.stderr).toContain(await fingerprint());
    expect(bed.processes()).toEqual([]);
  });

  promise('leaves no agent behind when it is killed', async () => {
    bed.directory('context');
    bed.file('context/Dockerfile', 'FROM localhost/tools\nRUN --mount=type=ssh ssh-add -l && sleep 500');
    const running = bed.start('build', '--no-cache', '--network', 'none', '--ssh', 'default=key', 'context');
    await until('the step', async () => (await bed.sh(`pgrep -u ${bed.user.uid} -x sleep`)).code === 0);
    expect((await bed.sh(`pgrep -u ${bed.user.uid} -x ssh-agent`)).code).toBe(0);
    running.child.kill('SIGKILL');
    await until('all processes to be gone', () => bed.processes().length === 0);
  });

  promise('refuses what it cannot use before anything is built', async () => {
    const locked = await build([], ['--ssh', 'default=locked']);
    expect(locked).toMatchObject({ code: 125, stderr: expect.stringContaining('locked has a passphrase') });
    const none = await build([], ['--ssh', 'default']);
    expect(none).toMatchObject({ code: 125, stderr: expect.stringContaining('--ssh default: no agent') });
    const missing = await build([], ['--ssh', 'default=nothing']);
    expect(missing).toMatchObject({ code: 125, stderr: expect.stringContaining('nothing does not exist') });
    const open = await build([], ['--ssh', 'default=key.pub']);
    expect(open).toMatchObject({ code: 125, stderr: expect.stringContaining('neither a private key nor') });
    const unknown = await build(['RUN --mount=type=ssh,id=other,required=true true'], []);
    expect(unknown.stderr).toContain('the ssh agent other was not given');
  });
});

/** sshd of the test user, for that user only, on loopback; and a repository. */
async function startServer(): Promise<void> {
  if (sshd) return;
  port = await freePort();
  await bed.sh(
    'ssh-keygen -q -t ed25519 -N "" -f hostkey; cp key.pub authorized; mkdir -p .ssh;' +
      `echo "[127.0.0.1]:${port} $(cut -d" " -f1,2 hostkey.pub)" | tee .ssh/known_hosts >known;` +
      'git init -q -b main repo; cd repo; mkdir sub; echo cloned >sub/file; ln -s / sub/out; git add .;' +
      'git -c user.name=n -c user.email=e@e commit -q -m one',
  );
  const lines = ['UsePAM no', 'StrictModes no', 'PidFile none', 'PasswordAuthentication no', 'ListenAddress 127.0.0.1'];
  const files = [`HostKey ${bed.home}/hostkey`, `AuthorizedKeysFile ${bed.home}/authorized`];
  bed.file('sshd_config', [`Port ${port}`, ...lines, ...files, ''].join('\n'));
  const command = ['/usr/sbin/sshd', '-D', '-e', '-f', `${bed.home}/sshd_config`];
  sshd = startAs(bed.user, command, { env: bed.env, cwd: bed.home });
  await until('sshd', async () => (await bed.sh(`ssh-keyscan -p ${port} 127.0.0.1 2>/dev/null`)).stdout !== '');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describe('ctr build: git over ssh [E]', () => {
  const flags = ['--ssh', 'default=key', '--allow', 'network.host'];
  const url = () => `ssh://${bed.user.name}@127.0.0.1:${port}${bed.home}/repo`;

  withServer('clones in a RUN', async () => {
    await startServer();
    const known = readFileSync(`${bed.home}/known`, 'utf8').trim();
    const steps = [
      `RUN mkdir -m 700 /root/.ssh && echo '${known}' >/root/.ssh/known_hosts`,
      `RUN --network=host --mount=type=ssh git clone -q ${url()} /src && cat /src/sub/file`,
    ];
    const built = await build(steps, flags);
    expect(built.code, built.stderr).toBe(0);
    expect(built.stderr).toMatch(/#\d+ cloned\n/);
  });

  withServer('fetches what ADD names, and a build context', async () => {
    await startServer();
    const added = await build([`ADD ${url()}#main:sub /added/`, 'RUN cat /added/file'], flags);
    expect(added.stderr).toMatch(/#\d+ cloned\n/);
    const context = await bed.ctr('build', '--ssh', 'default=key', '-f', '-', `${url()}#main:sub`);
    expect(context.stderr).not.toContain('git');
    const alone = await build([`ADD ${url()}#main /added/`], []);
    expect(alone.stderr).toMatch(/git fetch failed:[\s\S]*Permission denied[\s\S]*hint: --ssh default/);
  });

  withServer('takes nothing of an address for an option, and nothing from outside the repository', async () => {
    await startServer();
    const option = await build([`ADD ["${url()}#--upload-pack=touch ${bed.home}/pwned;", "/x"]`], flags);
    expect(option.code).not.toBe(0);
    expect((await bed.sh('ls pwned')).code).not.toBe(0);
    for (const directory of ['../../..', 'sub/out/etc', 'sub/../../..']) {
      const built = await build([`ADD ${url()}#main:${directory} /x/`, 'RUN ls /x; ! test -e /x/passwd'], flags);
      expect(built.stderr).not.toMatch(/#\d+ (passwd|home-)/);
    }
  });
});
