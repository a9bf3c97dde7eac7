/** Mounts of every type: podman-run(1) --mount, --volume, --tmpfs, --read-only. */
import { lstatSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { pushLayered } from '../support/layered-image.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  image = await pushLayered(bed.registryHost);
  await bed.ctr('pull', '-q', image);
});
afterAll(() => bed?.close());

const promise = needs('registry', 'subordinate-ids');
const sh = (flags: readonly string[], script: string) =>
  bed.ctr('run', '--rm', '--network=none', ...flags, image, 'sh', '-c', script);

describe('overlay volumes, :O [E]', () => {
  promise('let a container change a host directory that stays as it is', async () => {
    const dir = bed.directory('overlaid');
    bed.file('overlaid/file', 'host\n');
    const { stdout } = await sh(['-v', `${dir}:/o:O`], 'echo changed > /o/file; touch /o/new; cat /o/file; ls /o');
    expect(stdout).toBe('changed\nfile\nnew\n');
    expect(readFileSync(`${dir}/file`, 'utf8')).toBe('host\n');
  });

  for (const driver of ['vfs', 'fuse-overlayfs']) {
    promise(`work with the storage driver ${driver}, too`, async () => {
      const dir = bed.directory('overlaid');
      bed.file('overlaid/file', 'host\n');
      const flags = ['run', '--rm', '--network=none', '-v', `${dir}:/o:O`, image];
      const outcome = await bed.ctr(
        `--storage-driver=${driver}`,
        ...flags,
        'sh',
        '-c',
        'echo x > /o/file; cat /o/file',
      );
      expect(outcome.stdout).toBe('x\n');
      expect(readFileSync(`${dir}/file`, 'utf8')).toBe('host\n');
    });
  }
});

describe('image mounts [E]', () => {
  promise('show another image, read-only unless rw=true', async () => {
    const mount = `type=image,src=${image},dst=/i`;
    const outcome = await sh(['--mount', mount], 'cat /i/app/replaced; ls /i/opaque; touch /i/x');
    expect(outcome.stdout).toBe('new\nabove\n');
    expect(outcome.stderr).toContain('Read-only file system');
    expect((await sh(['--mount', `${mount},subpath=app,rw=true`], 'touch /i/x && ls /i')).stdout).toContain('x\n');
  });
});

describe('memory [E]', () => {
  promise('--tmpfs begins with the image’s content, owners and mode', async () => {
    const { stdout } = await sh(['--tmpfs', '/app'], 'stat -c "%u:%g %a" /app/one; stat -c %a /app; cat /app/replaced');
    expect(stdout).toBe('33:42 640\n755\nnew\n');
  });

  promise('--tmpfs is 1777 at a new place, and empty with notmpcopyup', async () => {
    expect((await sh(['--tmpfs', '/fresh'], 'stat -c %a /fresh')).stdout).toBe('1777\n');
    expect((await sh(['--mount', 'type=tmpfs,dst=/app,notmpcopyup'], 'ls -A /app')).stdout).toBe('');
  });

  promise('--read-only leaves /run and /tmp writable, and nothing else', async () => {
    const outcome = await sh(['--read-only'], 'touch /run/x /tmp/y /var/tmp/z && touch /etc/w');
    expect(outcome.stderr).toContain('touch: /etc/w: Read-only file system');
  });

  for (const type of ['ramfs', 'devpts'] as const) {
    promise(`type=${type} mounts one`, async () => {
      expect((await sh(['--mount', `type=${type},dst=/m`], 'mount | grep " /m "')).stdout).toMatch(`${type} on /m`);
    });
  }
});

describe('bind mounts [E]', () => {
  promise('type=glob mounts each path that matches', async () => {
    bed.directory('globbed');
    for (const name of ['a.txt', 'b.txt', 'c.bin']) bed.file(`globbed/${name}`, '');
    const { stdout } = await sh(['--mount', `type=glob,src=${bed.home}/globbed/*.txt,dst=/g`], 'ls /g');
    expect(stdout).toBe('a.txt\nb.txt\n');
  });

  promise('U gives a directory to the container’s user, and back', async () => {
    const dir = bed.directory('owned');
    bed.file('owned/file', '');
    expect((await sh(['-u', 'user', '-v', `${dir}:/o:U`], 'stat -c %u /o/file; touch /o/new')).stdout).toBe('1000\n');
    expect(lstatSync(`${dir}/file`).uid).not.toBe(bed.user.uid);
    await sh(['-v', `${dir}:/o:U`], 'true');
    expect(lstatSync(`${dir}/new`).uid).toBe(bed.user.uid);
  });

  promise('-v /dev:/dev is the host’s own, and nothing is made in it', async () => {
    const before = (await bed.sh('ls /dev')).stdout;
    expect((await sh(['-v', '/dev:/dev'], 'echo x > /dev/null && echo fine')).stdout).toBe('fine\n');
    expect((await bed.sh('ls /dev')).stdout).toBe(before);
  });

  promise('accept SELinux’s z and Z, and every propagation', async () => {
    const dir = bed.directory('plain');
    for (const word of ['z', 'Z', 'rslave', 'rshared', 'private', 'rprivate']) {
      expect(await sh(['-v', `${dir}:/p:${word}`], 'true'), word).toMatchObject({ code: 0 });
    }
  });
});

describe('what is yours in a bind mount [E] docs/volumes.md', () => {
  const who = (...flags: readonly string[]) =>
    bed.ctr(
      'run',
      '--rm',
      '-q',
      '--network=none',
      ...flags,
      image,
      'sh',
      '-c',
      'id -u; stat -c %u /d /d/mine /bin; echo x > /d/new',
    );

  promise('me: it is the container user’s, whoever that is; the image’s files keep their owners', async () => {
    for (const [user, uid] of [
      ['user', 1000],
      ['33:33', 33],
      ['0', 0],
    ] as const) {
      const dir = bed.directory(`me-${uid}`);
      bed.file(`me-${uid}/mine`, '');
      for (const mount of [
        ['-v', `${dir}:/d:me`],
        ['--mount', `type=bind,src=${dir},dst=/d,me`],
      ]) {
        expect(await who('-u', user, ...mount)).toMatchObject({ code: 0, stdout: `${uid}\n${uid}\n${uid}\n0\n` });
        expect(lstatSync(`${dir}/new`).uid).toBe(bed.user.uid);
      }
    }
  });

  promise('me is refused where the ids are chosen already, and where it means nothing', async () => {
    const dir = bed.directory('me-refused');
    const refused = async (reason: string, ...flags: readonly string[]) =>
      expect(await who(...flags)).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    await refused('`me` wants you to be user 33', '-u', '33', '--userns=keep-id:uid=7', '-v', `${dir}:/d:me`);
    await refused('U and me exclude each other', '-v', `${dir}:/d:U,me`);
    await refused('me is for files of yours', '--tmpfs', '/d:me');
    await refused('`me` makes you the user', '-v', `${dir}:/d:idmap`);
  });

  promise('a command that fails tells who may not use which mount, and the flags that help', async () => {
    const dir = bed.directory('closed');
    bed.file('closed/mine', '');
    const line = `warning: user 33:33 of the container may not write to /d: ${dir} belongs to ${bed.user.uid}:${bed.user.gid} on this host, mode 0755; in the container to 0:0`;
    const failed = await who('-u', '33:33', '-v', `${dir}:/d`);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining(line) });
    expect(failed.stderr).toMatch(/hint: .*:me\).*-u 0.*keep-id.*:U/);
    await bed.ctr('run', '-d', '--name', 'with-bind', '--network=none', '-v', `${dir}:/d`, image, 'sleep', '100');
    const inside = await bed.ctr('exec', '-u', '33:33', 'with-bind', 'touch', '/d/new');
    await bed.ctr('rm', '-f', '-t', '0', 'with-bind');
    expect(inside).toMatchObject({ code: 1, stderr: expect.stringContaining(line) });
    // Nothing is said where the mount is not to blame.
    const other = await bed.ctr('run', '--rm', '--network=none', '-v', `${dir}:/d`, image, 'sh', '-c', 'exit 3');
    expect(other).toMatchObject({ code: 3, stderr: '' });
  });
});
