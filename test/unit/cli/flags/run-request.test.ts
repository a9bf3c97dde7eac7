import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEntrypoint } from '../../../../src/cli/flags/container.ts';
import { parseNetwork } from '../../../../src/cli/flags/network.ts';
import { runRequestOf } from '../../../support/run-request.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctr-flags-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

describe('parseRunRequest [U] podman-run(1)', () => {
  it('has the defaults of podman run', () => {
    expect(runRequestOf(['alpine'])).toEqual({
      image: 'alpine',
      command: [],
      ...{ interactive: false, tty: false, detach: false, remove: false, init: false, sigProxy: true, quiet: false },
      ...{ readOnly: false, readOnlyTmpfs: true, noHosts: false, publishAll: false, unsetAllEnv: false },
      ...{
        env: [],
        unsetEnv: [],
        groupAdd: [],
        mounts: [],
        volumesFrom: [],
        dns: [],
        dnsSearch: [],
        dnsOptions: [],
        addHosts: [],
      },
      ...{ publish: [], devices: [], ulimits: [], notices: [], sysctls: {}, labels: {}, annotations: {} },
      ...{ detachKeys: 'ctrl-p,ctrl-q', pull: 'missing', umask: 0o022, stopTimeoutMs: 10_000 },
      ...{ restart: { name: 'no', maxRetries: 0 }, timeoutMs: 0, replace: false, requires: [], removeImage: false },
      network: { mode: 'default' },
      health: { isOff: false, onFailure: 'none' },
      logging: { driver: 'framed', maxBytes: 10 * 1024 * 1024, maxFiles: 3 },
      security: {
        ...{ privileged: false, noNewPrivileges: false },
        ...{ capAdd: [], capDrop: [], mask: [], unmask: [], procOptions: [] },
      },
      shmSizeBytes: 64 * 1024 * 1024,
    });
  });

  it.each([
    ['no', 'no', 0],
    ['', 'no', 0],
    ['always', 'always', 0],
    ['unless-stopped', 'unless-stopped', 0],
    ['on-failure', 'on-failure', 0],
    ['on-failure:5', 'on-failure', 5],
  ])('takes --restart %j', (word, name, maxRetries) => {
    expect(runRequestOf(['--restart', word, 'alpine']).restart).toEqual({ name, maxRetries });
  });

  it.each([
    ['--restart', 'never'],
    ['--restart', 'always:3'],
    ['--restart', 'on-failure:-1'],
    ['--rm', '--restart=always'],
    ['--replace', '--rm'],
    ['--timeout', '-1'],
  ])('refuses %s %s', (...words) => {
    expect(() => runRequestOf([...words, 'alpine'])).toThrow(/--(restart|replace|timeout)/);
  });

  it('leaves everything after the image to the program', () => {
    expect(runRequestOf(['-it', 'alpine', 'ls', '-la', '--rm'])).toMatchObject({
      ...{ interactive: true, tty: true, remove: false },
      command: ['ls', '-la', '--rm'],
    });
  });

  it('takes --flag=false for switches that are on', () => {
    expect(runRequestOf(['--sig-proxy=false', '--read-only-tmpfs=false', 'alpine'])).toMatchObject({
      sigProxy: false,
      readOnlyTmpfs: false,
    });
  });

  it('takes the directory for --rootfs as the first argument, :O for an overlay', () => {
    expect(runRequestOf(['--rootfs', './dir:O', 'sh'])).toMatchObject({
      rootfs: { path: '/caller/dir', overlay: true },
      command: ['sh'],
    });
    expect(runRequestOf(['--rootfs', '/dir'])).not.toHaveProperty('image');
  });

  it('says which host directory is missing instead of making it', () => {
    expect(() => runRequestOf(['-v', `${directory}/none:/x`, 'alpine'])).toThrow(/cannot mount .*none at \/x: no such/);
    expect(runRequestOf(['-v', `${directory}:/x`, 'alpine']).mounts).toHaveLength(1);
  });

  it('refuses two mounts for one place', () => {
    expect(() => runRequestOf(['-v', 'a:/x', '--tmpfs', '/x/', 'alpine'])).toThrow('/x: duplicate mount destination');
  });

  it.each([
    [['--name', 'a b', 'x'], 'invalid value "a b" for --name'],
    [['-h', '-x', 'x'], 'for --hostname'],
    [['-w', 'rel', 'x'], 'for --workdir: want an absolute path'],
    [['-u', 'a:b:c', 'x'], 'for --user'],
    [['--umask', '9', 'x'], 'for --umask: want an octal number'],
    [['--pull', 'sometimes', 'x'], 'for --pull: want missing, always, never or newer'],
    [['--stop-signal', 'SIGNONE', 'x'], 'for --stop-signal'],
    [['--stop-timeout', '-5', 'x'], 'for --stop-timeout'],
    [['--oom-score-adj', '1001', 'x'], 'from -1000 to 1000'],
    [['--entrypoint', '["a"', 'x'], 'want a JSON array of words'],
    [['--detach-keys', 'ctrl-1', 'x'], 'for --detach-keys'],
    [['--group-add', 'keep-groups', '--group-add', 'wheel', 'x'], 'cannot be combined with other groups'],
    [['--platform', 'a/b/c/d', 'x'], 'invalid platform'],
    [['--cap-add', 'FLY', 'x'], 'unknown capability "FLY"'],
    [['--annotation', 'a', 'x'], 'want KEY=VALUE'],
    [['--label', '=a', 'x'], 'want KEY=VALUE'],
    [['-e', '=a', 'x'], 'for --env'],
    [['--env-file', '/none/here', 'x'], 'cannot read the file of --env-file: /none/here'],
    [['--no-hosts', '--add-host', 'a:1.2.3.4', 'x'], '--no-hosts and --add-host cannot be combined'],
    [['--add-host', 'a', 'x'], 'want NAME:ADDRESS'],
    [['--dns', 'one.one', 'x'], 'for --dns'],
    [['--dns', '1.1.1.1', '--network', 'none', 'x'], 'cannot be combined with --network none'],
    [['-p', '80', '--network', 'container:a', 'x'], '--publish cannot be combined with --network container'],
    [['--security-opt', 'magic', 'x'], 'for --security-opt: want no-new-privileges'],
    [['--security-opt', 'mask=proc', 'x'], 'want absolute paths'],
    [['--security-opt', 'apparmor=strict', 'x'], 'cannot choose an AppArmor profile'],
    [[''], 'the name of the image is empty'],
  ])('refuses %j, saying %s', (words, why) => {
    expect(() => runRequestOf(words)).toThrow(why);
  });

  it.each([
    [['-p', '80:80', '--network', 'host', 'x'], '--publish has no effect with --network host'],
    [['--security-opt', 'label=type:foo_t', 'x'], 'label=type:foo_t: no SELinux label is set by ctr'],
  ])('tells when a flag has no effect: %j', (words, notice) => {
    expect(runRequestOf(words)).toMatchObject({ notices: [notice], publish: [] });
  });

  it('reads security options in the old and the new spelling', () => {
    const words = ['no-new-privileges:true', 'seccomp=p.json', 'mask=/a:/b', 'unmask=all', 'label=disable'];
    const { security, notices } = runRequestOf([...words.flatMap((word) => ['--security-opt', word]), 'x']);
    expect(notices).toEqual([]);
    expect(security).toMatchObject({
      noNewPrivileges: true,
      seccomp: '/caller/p.json',
      mask: ['/a', '/b'],
      unmask: ['ALL'],
    });
  });

  it('writes capabilities as the kernel names them', () => {
    expect(runRequestOf(['--cap-add', 'net_admin,CAP_SYS_TIME', '--cap-drop', 'all', 'x']).security).toMatchObject({
      capAdd: ['CAP_NET_ADMIN', 'CAP_SYS_TIME'],
      capDrop: ['ALL'],
    });
  });
});

describe('the environment [U] podman-run(1) "Environment"', () => {
  it('lets flags win over files, and files over the variables from here', () => {
    const file = write('env', '# a comment\n\nA=file\n  B=file=2\nHERE\nMISSING\n');
    const words = ['--env-host', '--env-file', file, '-e', 'A=flag', 'x'];
    expect(runRequestOf(words, { HERE: 'h' }).env).toEqual(['HERE=h', 'A=file', 'B=file=2', 'HERE=h', 'A=flag']);
  });

  it('takes all variables with a prefix for NAME*', () => {
    expect(runRequestOf(['-e', 'ENV*', 'x'], { ENV1: 'a', ENV2: 'b', OTHER: 'c' }).env).toEqual(['ENV1=a', 'ENV2=b']);
    expect(runRequestOf(['-e', 'ENV*=b', 'x'], { ENV1: 'a' }).env).toEqual(['ENV*=b']);
  });

  it('passes the proxy on unless told not to', () => {
    const env = { http_proxy: 'http://p', NO_PROXY: 'a' };
    expect(runRequestOf(['x'], env).env).toEqual(['http_proxy=http://p', 'NO_PROXY=a']);
    expect(runRequestOf(['--http-proxy=false', 'x'], env).env).toEqual([]);
  });

  it('reads labels from files and flags', () => {
    const file = write('labels', 'a=1\nb\n');
    expect(runRequestOf(['--label-file', file, '-l', 'a=2', 'x']).labels).toEqual({ a: '2', b: '' });
  });
});

describe('parseEntrypoint [U]', () => {
  it.each([
    ['', []],
    ['[]', []],
    ['sh -c', ['sh -c']],
    ['["sh", "-c"]', ['sh', '-c']],
  ])('reads %j', (text, words) => {
    expect(parseEntrypoint(text)).toEqual(words);
  });

  it('reads back any list of words from its JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(parseEntrypoint(JSON.stringify(words))).toEqual(words);
      }),
    );
  });
});

describe('parseNetwork [U] podman-run(1) "--network"', () => {
  it.each([
    [[], { mode: 'default' }],
    [['none'], { mode: 'none' }],
    [['pasta:-T,8080,--map-gw'], { mode: 'pasta', options: ['-T', '8080', '--map-gw'] }],
    [['slirp4netns'], { mode: 'slirp4netns', options: [] }],
    [['container:web'], { mode: 'container', container: 'web' }],
    [['ns:/run/netns/a'], { mode: 'ns', path: '/run/netns/a' }],
    [
      ['a:ip=10.0.0.2', 'b'],
      {
        mode: 'bridge',
        networks: [
          { name: 'a', options: ['ip=10.0.0.2'] },
          { name: 'b', options: [] },
        ],
      },
    ],
  ])('reads %j', (words, network) => {
    expect(parseNetwork(words)).toEqual(network);
  });

  it.each(['host:x', 'container:', 'ns:rel', 'a/b', 'a:speed=9', ''])('refuses %j', (word) => {
    expect(() => parseNetwork([word])).toThrow('for --network');
  });
});
