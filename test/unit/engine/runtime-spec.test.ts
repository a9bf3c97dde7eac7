import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MountRequest } from '../../../src/engine/run-request.ts';
import type { HostFacts } from '../../../src/engine/runtime-spec/facts.ts';
import { runtimeSpecFor } from '../../../src/engine/runtime-spec.ts';
import { capabilityNames } from '../../../src/linux/capabilities.ts';
import type { ContainerDefaults } from '../../../src/oci/image-config.ts';
import type { RuntimeConfig, RuntimeMount } from '../../../src/oci/runtime.ts';
import { runRequestOf } from '../../support/run-request.ts';

const mappings = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100_000, size: 65_536 },
];
const image: ContainerDefaults = {
  Env: ['PATH=/app/bin:/bin', 'LANG=C.UTF-8'],
  Entrypoint: ['/entry'],
  Cmd: ['serve', '--all'],
};
const facts = {
  rootPath: '/store/rootfs',
  uidMappings: mappings,
  gidMappings: mappings,
  capabilities: capabilityNames,
  hostHostname: 'laptop',
  etcFiles: {
    hosts: '/c/hosts',
    hostname: '/c/hostname',
    resolvConf: '/c/resolv.conf',
    containerEnv: '/c/containerenv',
  },
  hostDevices: ['/dev/fuse', '/dev/null'],
  sourceOf: ({ type, source, target, options }: MountRequest) => {
    if (type === 'image' || options.includes('O')) {
      return { type: 'overlay', source: 'overlay', options: [`lowerdir=${source}`, 'userxattr'] };
    }
    const path = type === 'volume' ? `/volumes/${source ?? `for${target}`}` : (source ?? '');
    return { type: 'bind', source: path, options: [] };
  },
};
const userFiles = {
  passwd: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n',
  group: 'wheel:x:10:app\n',
};

function specOf(words: readonly string[], defaults = image, more: Partial<HostFacts> = {}): RuntimeConfig {
  const request = runRequestOf(words);
  return runtimeSpecFor({ request, defaults, id: '0123456789abcdef', userFiles, facts: { ...facts, ...more } });
}
const mountAt = (spec: RuntimeConfig, path: string): RuntimeMount | undefined =>
  spec.mounts.find(({ destination }) => destination === path);
const order = (spec: RuntimeConfig) => spec.mounts.map(({ destination }) => destination);

describe('runtimeSpecFor [U] image-spec conversion.md', () => {
  const golden = join(import.meta.dirname, '../../golden/runtime-spec');

  it.each(readdirSync(golden))('makes golden/runtime-spec/%s', async (name) => {
    const words = readFileSync(join(golden, name, 'args'), 'utf8')
      .trim()
      .split('\n');
    await expect(`${JSON.stringify(specOf(words), null, 2)}\n`).toMatchFileSnapshot(
      join(golden, name, 'expected.json'),
    );
  });

  it.each([
    [[], ['/entry', 'serve', '--all']],
    [['other'], ['/entry', 'other']],
    [['--entrypoint', 'sh'], ['sh']],
    [
      ['--entrypoint', '["sh","-c"]', 'echo hi'],
      ['sh', '-c', 'echo hi'],
    ],
    [
      ['--entrypoint', ''],
      ['serve', '--all'],
    ],
    [['--entrypoint', '', 'ls'], ['ls']],
  ])('runs for %j the command %j', (words, args) => {
    const at = words[0] === '--entrypoint' ? 2 : 0;
    expect(specOf([...words.slice(0, at), 'image', ...words.slice(at)]).process.args).toEqual(args);
  });

  it('fails with 125 when nobody says what to run', () => {
    expect(() => specOf(['image'], {})).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^no command specified/), exitCode: 125 }),
    );
  });

  it('leaves the command as it is with --init: the init is a step of the start, not a program', () => {
    expect(specOf(['--init', 'image', 'x']).process.args).toEqual(['/entry', 'x']);
  });

  it.each([
    ['--pid=host', 'pid', '/proc'],
    ['--cgroupns=host', 'cgroup', '/sys/fs/cgroup'],
  ])('keeps the namespace of the host with %s, and so its view at the mount', (flag, type, path) => {
    const spec = specOf([flag, 'image']);
    expect(spec.linux.namespaces.map((one) => one.type)).not.toContain(type);
    expect(mountAt(spec, path)).toMatchObject({ type: 'bind', source: path });
  });

  it('has no shared memory with --ipc none', () => {
    expect(mountAt(specOf(['--ipc=none', 'image']), '/dev/shm')).toBeUndefined();
  });

  it('runs as the kept user of --userns keep-id, unless --user says otherwise', () => {
    const kept = { keptUser: { uid: 7, gid: 8 } } as object;
    expect(specOf(['image'], image, kept).process.user).toMatchObject({ uid: 7, gid: 8 });
    expect(specOf(['--user=9:9', 'image'], image, kept).process.user).toMatchObject({ uid: 9, gid: 9 });
  });

  it.each([
    ['command', ['image', 'a\0b']],
    ['environment', ['-e', 'A=\0', 'image']],
  ])('refuses a NUL byte in the %s: the kernel would see less than was checked', (what, words) => {
    expect(() => specOf(words)).toThrow(`the ${what} contains a NUL byte`);
  });

  it('resolves the directory of the image below /', () => {
    expect(specOf(['image'], { ...image, WorkingDir: 'srv/../../app' }).process.cwd).toBe('/app');
  });
});

describe('the environment [U] podman-run(1) "Environment"', () => {
  const env = (words: readonly string[], defaults = image) => specOf([...words, 'image', 'x'], defaults).process.env;

  it('has PATH of the image over the default, and HOME of the user', () => {
    expect(env(['-u', 'app'])).toEqual([
      'PATH=/app/bin:/bin',
      'container=ctr',
      'HOSTNAME=0123456789ab',
      'HOME=/home/app',
      'LANG=C.UTF-8',
    ]);
  });

  it('has TERM only with a terminal', () => {
    expect(env(['-t'])).toContain('TERM=xterm');
    expect(env([]).join()).not.toContain('TERM');
  });

  it('takes defaults away by --unsetenv, but not what flags set', () => {
    expect(env(['--unsetenv', 'LANG', '--unsetenv', 'A', '-e', 'A=1']).join()).toMatch(/^(?!.*LANG).*A=1/);
    expect(env(['--unsetenv-all', '-e', 'A=1'])).toEqual(['A=1']);
  });
});

describe('capabilities [U] capabilities(7)', () => {
  const caps = (...words: string[]) => specOf([...words, 'image', 'x']).process.capabilities;

  it('gives a user other than root none that it could use', () => {
    const { bounding, effective, permitted, ambient } = caps('-u', 'app');
    expect([effective, permitted, ambient]).toEqual([[], [], []]);
    expect(bounding).toHaveLength(11);
  });

  it('makes what was added ambient for a user other than root', () => {
    const added = ['CAP_NET_ADMIN'];
    expect(caps('-u', 'app', '--cap-add', 'NET_ADMIN')).toMatchObject({ effective: added, ambient: added });
  });

  it('never fills the inheritable set of root (CVE-2022-27649)', () => {
    expect(caps('--cap-add', 'ALL').inheritable).toEqual([]);
  });

  it.each([
    [['--cap-drop', 'ALL'], 0],
    [['--cap-drop', 'ALL', '--cap-add', 'KILL'], 1],
    [['--cap-add', 'ALL', '--cap-drop', 'KILL'], 40],
    [['--privileged'], 41],
    [['--privileged', '--cap-drop', 'KILL'], 40],
  ])('keeps for %j a set of %d', (words, count) => {
    expect(caps(...words).effective).toHaveLength(count);
  });

  it('refuses one that is both added and dropped', () => {
    expect(() => caps('--cap-add', 'KILL', '--cap-drop', 'KILL')).toThrow('both added and dropped');
  });

  it('refuses one that the host cannot give', () => {
    const poor = { capabilities: capabilityNames.slice(0, 38) };
    expect(() => specOf(['--cap-add', 'BPF', 'image'], image, poor)).toThrow('CAP_BPF cannot be added');
  });
});

describe('mounts [U] runtime-spec config.md "Mounts"', () => {
  it('mounts parents before what is below them', () => {
    const at = order(specOf(['-v', 'v:/etc/hosts.d/x', '--tmpfs', '/etc', '-v', 'w:/a/b', 'image']));
    expect(at.indexOf('/etc')).toBeLessThan(at.indexOf('/etc/hosts'));
    expect(at.indexOf('/etc')).toBeLessThan(at.indexOf('/etc/hosts.d/x'));
  });

  it("lets a user's mount replace a default one, with what is below it", () => {
    expect(order(specOf(['-v', '/dev:/dev', 'image'])).filter((path) => path.startsWith('/dev'))).toEqual(['/dev']);
    expect(specOf(['-v', '/dev:/dev', 'image']).linux.devices).toEqual([]);
    expect(order(specOf(['-v', 'v:/device', 'image']))).toContain('/dev');
  });

  it("keeps the user's own /etc/hosts", () => {
    expect(mountAt(specOf(['-v', '/etc/hosts:/etc/hosts', 'image']), '/etc/hosts')?.source).toBe('/etc/hosts');
  });

  it('makes no file in a host directory that is mounted at /run', () => {
    expect(order(specOf(['-v', '/run:/run', 'image']))).not.toContain('/run/.containerenv');
  });

  it('mounts an anonymous volume for each volume of the image that nothing else covers', () => {
    const spec = specOf(['-v', 'mine:/data', 'image'], { ...image, Volumes: { '/data': {}, '/cache/': {} } });
    expect(mountAt(spec, '/data')?.source).toBe('/volumes/mine');
    expect(mountAt(spec, '/cache')).toMatchObject({
      source: '/volumes/for/cache',
      options: expect.arrayContaining(['nosuid', 'nodev']),
    });
  });

  it.each([
    ['-v', '/tmp:/x', ['rbind', 'rprivate', 'rw']],
    ['-v', '/tmp:/x:ro,z,U,rslave,nosuid', ['rbind', 'rslave', 'nosuid', 'ro']],
    ['--mount', 'type=bind,src=/tmp,dst=/x,bind-nonrecursive', ['rprivate', 'bind', 'rw']],
    ['-v', 'v:/x:suid', ['rbind', 'rprivate', 'suid', 'nodev', 'rw']],
    ['-v', '/tmp:/x:O', ['lowerdir=/tmp', 'userxattr', 'rw']],
    ['--tmpfs', '/x', ['rprivate', 'nosuid', 'nodev', 'tmpcopyup', 'rw']],
    [
      '--mount',
      'type=tmpfs,dst=/x,notmpcopyup,U,tmpfs-size=1m',
      ['rprivate', 'size=1m', 'uid=0', 'gid=0', 'nosuid', 'nodev', 'rw'],
    ],
    ['--mount', 'type=image,src=i,dst=/x', ['lowerdir=i', 'userxattr', 'ro']],
  ])('mounts %s %s with %j', (flag, spec, options) => {
    const mounted = mountAt(specOf([flag, spec, 'image']), '/x');
    expect(mounted?.options.toSorted()).toEqual(options.toSorted());
  });

  it('leaves out gid=5 of devpts where gid 5 is not mapped', () => {
    const single = [{ containerID: 0, hostID: 1000, size: 1 }];
    expect(mountAt(specOf(['image'], image, { gidMappings: single }), '/dev/pts')?.options).not.toContain('gid=5');
    expect(mountAt(specOf(['image']), '/dev/pts')?.options).toContain('gid=5');
  });

  it('keeps /run, /tmp and /var/tmp writable with --read-only, unless told not to', () => {
    expect(order(specOf(['--read-only', 'image']))).toEqual(expect.arrayContaining(['/run', '/tmp', '/var/tmp']));
    expect(order(specOf(['--read-only', '--read-only-tmpfs=false', 'image']))).not.toContain('/tmp');
  });
});

describe('isolation [U] runtime-spec config-linux.md', () => {
  it("binds the host's /sys, without its kernel interfaces, in the host's network", () => {
    const spec = specOf(['--network', 'host', 'image']);
    expect(mountAt(spec, '/sys')).toMatchObject({ type: 'bind', source: '/sys' });
    expect(spec.linux.maskedPaths).toContain('/sys/kernel');
    expect(spec.linux.namespaces.map(({ type }) => type)).not.toContain('network');
    expect(spec.hostname).toBe('laptop');
  });

  it('joins the network namespace of another container', () => {
    const spec = specOf(['--network', 'container:a', 'image'], image, {
      namespacePaths: { user: '/proc/7/ns/user', network: '/proc/7/ns/net' },
    } as object);
    expect(spec.linux.namespaces).toContainEqual({ type: 'network', path: '/proc/7/ns/net' });
    expect(spec.linux.namespaces).toContainEqual({ type: 'user', path: '/proc/7/ns/user' });
    expect(spec.linux.sysctl).toEqual({});
  });

  it.each([
    ['unmask=ALL', [], []],
    ['unmask=/proc/*', ['/sys/dev/block', '/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/selinux'], []],
  ])('hides after %s only %j', (option, masked, readonly) => {
    const { maskedPaths, readonlyPaths } = specOf(['--security-opt', option, 'image']).linux;
    expect([maskedPaths, readonlyPaths]).toEqual([masked, readonly]);
  });

  it('hides more by mask=', () => {
    expect(specOf(['--security-opt', 'mask=/a:/b', 'image']).linux.maskedPaths).toEqual(
      expect.arrayContaining(['/a', '/b']),
    );
  });

  it('refuses settings of the whole host by name', () => {
    expect(() => specOf(['--sysctl', 'kernel.panic=1', 'image'])).toThrow(
      'kernel.panic: the kernel has this setting once',
    );
    expect(() => specOf(['--network', 'host', '--sysctl', 'net.core.somaxconn=1', 'image'])).toThrow('--network host');
  });

  it('lets the caller keep supplementary groups, in the words of crun', () => {
    expect(specOf(['--group-add', 'keep-groups', 'image']).annotations).toEqual({
      'run.oci.keep_original_groups': '1',
    });
  });

  it('sets the last of several limits of one name', () => {
    const words = ['--ulimit', 'nofile=1', '--ulimit', 'nofile=5:9', '--ulimit', 'host', 'image'];
    expect(specOf(words).process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 5, hard: 9 }]);
  });
});

describe('flags of Podman alone [U] podman-run(1)', () => {
  const envOf = (...words: readonly string[]) =>
    Object.fromEntries(
      specOf([...words, 'alpine']).process.env.map((pair) => [
        pair.slice(0, pair.indexOf('=')),
        pair.slice(pair.indexOf('=') + 1),
      ]),
    );

  it('--env-merge: variables of the image in a value; one that is not there is empty; --env wins', () => {
    const braced = ['PATH=/opt/bin:', '{PATH}'].join('$');
    expect(envOf('--env-merge', braced).PATH).toBe('/opt/bin:/app/bin:/bin');
    expect(envOf('--env-merge', 'WHERE=$LANG-$NOWHERE.')).toMatchObject({ WHERE: 'C.UTF-8-.' });
    expect(envOf('--env-merge', 'LANG=x$LANG', '-e', 'LANG=C')).toMatchObject({ LANG: 'C' });
    expect(() => envOf('--env-merge', 'LANG')).toThrow(/NAME=VALUE/);
  });

  it('--chrootdirs: the files of /etc at those places, too', () => {
    const spec = specOf(['--chrootdirs', '/srv/root,/other/', 'alpine']);
    expect(mountAt(spec, '/srv/root/etc/resolv.conf')?.source).toBe('/c/resolv.conf');
    expect(mountAt(spec, '/other/etc/hosts')?.source).toBe('/c/hosts');
    expect(() => specOf(['--chrootdirs', 'srv', 'alpine'])).toThrow(/absolute/);
  });

  it('--attach: one of three words, and not with --detach', () => {
    expect(runRequestOf(['-a', 'STDOUT', '-a', 'stderr', 'alpine']).attach).toEqual(['stdout', 'stderr']);
    expect(() => runRequestOf(['-a', 'stdfoo', 'alpine'])).toThrow(/stdin, stdout, stderr/);
    expect(() => runRequestOf(['-d', '-a', 'stdout', 'alpine'])).toThrow(/exclude each other/);
  });
});
