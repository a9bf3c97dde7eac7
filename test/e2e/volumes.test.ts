/** Volumes: podman-volume(1), and what run does with them. */
import { globSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { getXattr, listXattrs } from '../../src/linux/files.ts';
import { type Bed, openBed } from '../support/bed.ts';
import { pushLayered } from '../support/layered-image.ts';
import { needs } from '../support/needs.ts';
import { startAs, until } from '../support/run-as.ts';

let bed: Bed;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  image = await pushLayered(bed.registryHost);
  await bed.ctr('pull', '-q', image);
});
afterAll(() => bed?.close());

const promise = needs('registry', 'subordinate-ids');
const run = (...args: readonly string[]) => bed.ctr('run', '--rm', '--network=none', ...args);
const sh = (flags: readonly string[], script: string) => run(...flags, image, 'sh', '-c', script);
/** One line for each entry of a tree: kind and mode, owner, time, the first name of its inode, attributes. */
function facts(root: string): string[] {
  const first = new Map<number, string>();
  return ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()].map((name) => {
    const path = `${root}/${name}`;
    const { mode, uid, gid, mtimeMs, ino, nlink } = lstatSync(path);
    const same = nlink > 1 && !name.endsWith('/') ? first.get(ino) : undefined;
    first.set(ino, name);
    const attributes = listXattrs(path).map((key) => `${key}=${getXattr(path, key)?.toString('hex')}`);
    const link = same === undefined ? '' : ` same as ${same}`;
    return `${name} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs}${link} ${attributes.sort().join(' ')}`;
  });
}
const volumes = async (...flags: readonly string[]) => (await bed.ctr('volume', 'ls', '-q', ...flags)).stdout;

describe('a named volume [E]', () => {
  promise('begins with what the image has there: owners, modes, links', async () => {
    const { stdout } = await sh(
      ['-v', 'filled:/data'],
      'stat -c "%n %u:%g %a %h" /data/a; readlink /data/outside; ls /data/deep',
    );
    expect(stdout).toBe('/data/a 1000:1000 600 2\n/etc/passwd\nb\n');
  });

  promise('keeps what containers wrote; the image’s content comes once only', async () => {
    await sh(['-v', 'kept:/data'], 'echo mine > /data/mine; rm /data/a');
    expect((await sh(['-v', 'kept:/data'], 'cat /data/mine; ls /data')).stdout).toBe(
      'mine\ndeep\nhard\nmine\noutside\n',
    );
  });

  promise('begins empty with nocopy', async () => {
    expect((await sh(['-v', 'bare:/data:nocopy'], 'ls -A /data')).stdout).toBe('');
  });

  promise('has the owner and mode of a directory that only its owner may enter', async () => {
    const { stdout } = await sh(['-v', 'secret:/secret'], 'stat -c "%u:%g %a" /secret; ls /secret');
    expect(stdout).toBe('1000:1000 700\ns\n');
  });

  promise('belongs to the container’s user at a place that the image does not have', async () => {
    expect((await sh(['-u', 'user', '-v', 'new:/new'], 'touch /new/x && stat -c %u /new')).stdout).toBe('1000\n');
  });

  promise(
    'is filled with 20,000 files of many owners in one go',
    async () => {
      const many = await pushLayered(bed.registryHost, { many: true });
      const count =
        'find /many -type f ! -path "/many/links/*" > /tmp/all; wc -l < /tmp/all; find /many -user 6 | wc -l';
      const outcome = await run('-v', 'many:/many', many, 'sh', '-c', count);
      expect(outcome.stdout).toMatch(/^20000\n28\d\d\n$/);
    },
    240_000,
  );

  needs(
    'registry',
    'subordinate-ids',
    'root',
  )('has their owners, modes, times, links and attributes', async () => {
    const [layer] = globSync(`${bed.dataRoot}/layers/*-m/diff/many`);
    const [image, volume] = [facts(layer ?? ''), facts(`${bed.dataRoot}/volumes/many/_data`)];
    expect(image).toHaveLength(20_000 + 200 + 101 + 1);
    expect(volume).toEqual(image);
    const has = (text: string) => volume.filter((line) => line.includes(text)).length;
    expect([has('user.number='), has('security.capability='), has(' same as ')]).toEqual([2_020, 404, 200]);
  });

  promise('shows a part of it with subpath, and nothing outside by a symlink', async () => {
    const mount = (subpath: string) => ['--mount', `type=volume,src=filled,dst=/s,volume-subpath=${subpath}`];
    expect((await sh(mount('deep'), 'ls /s')).stdout).toBe('b\n');
    const outcome = await sh(mount('outside'), 'cat /s');
    expect(outcome.code).toBe(125);
    expect(outcome.stdout).toBe('');
  });
});

describe('anonymous volumes [E]', () => {
  promise('--image-volume makes memory of the image’s volumes, or leaves them out', async () => {
    const mountsOf = async (mode: string) =>
      (await sh(['--image-volume', mode], 'grep -c " /vol " /proc/mounts')).stdout;
    const before = await volumes();
    expect(await mountsOf('ignore')).toBe('0\n');
    expect((await sh(['--image-volume', 'tmpfs'], 'grep " /vol " /proc/mounts')).stdout).toMatch(/^tmpfs/);
    expect(await volumes()).toBe(before);
    expect(await mountsOf('bind')).toBe('1\n');
  });

  promise('hold what the image declares as VOLUME, and go with --rm', async () => {
    const before = await volumes();
    expect((await sh([], 'ls /vol; mount | grep -c " /vol "')).stdout).toBe('first\n1\n');
    expect(await volumes()).toBe(before);
  });

  promise('stay with the container, and go with rm -v', async () => {
    await bed.ctr('create', '--name', 'anon', image, 'true');
    const name = (await volumes('--filter', 'anonymous=true')).trim();
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    await bed.ctr('rm', '-v', 'anon');
    expect(await volumes('--filter', 'anonymous=true')).toBe('');
  });

  promise('are shared by --volumes-from, read-only with :ro', async () => {
    await bed.ctr('create', '--name', 'source', '-v', 'shared:/shared', image, 'true');
    const outcome = await sh(['--volumes-from', 'source:ro'], 'ls /vol; touch /shared/x');
    expect(outcome.stdout).toBe('first\n');
    expect(outcome.stderr).toContain('Read-only file system');
    expect(await sh(['--volumes-from', 'source'], 'touch /shared/x')).toMatchObject({ code: 0 });
  });
});

describe('ctr volume [E]', () => {
  promise('refuses with 2 to remove one in use, and with 1 one that is not there', async () => {
    await bed.ctr('create', '--name', 'user', '-v', 'used:/x', image, 'true');
    expect(await bed.ctr('volume', 'rm', 'used')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('being used'),
    });
    expect(await bed.ctr('volume', 'rm', 'absent')).toMatchObject({ code: 1 });
    expect(await bed.ctr('volume', 'rm', '--force', 'used')).toMatchObject({ code: 0, stdout: 'used\n' });
    expect(await bed.ctr('volume', 'exists', 'used')).toMatchObject({ code: 1 });
  });

  promise('exports and imports with the owners that containers see', async () => {
    await sh(['-v', 'out:/data'], 'true');
    expect(
      await bed.sh('ctr volume export out > out.tar && ctr volume create in && ctr volume import in out.tar'),
    ).toMatchObject({ code: 0 });
    expect((await sh(['-v', 'in:/data'], 'stat -c %u:%g /data/a; cat /data/deep/b')).stdout).toBe('1000:1000\nb\n');
  });

  promise('makes a tmpfs, or shows a directory, as --opt says', async () => {
    const directory = bed.directory('shown');
    bed.file('shown/hello', 'hello\n');
    await bed.ctr('volume', 'create', '--opt', 'type=tmpfs', '--opt', 'o=size=1m', 'memory');
    await bed.ctr('volume', 'create', '--opt', 'type=none', '--opt', 'o=bind', '--opt', `device=${directory}`, 'dir');
    const { stdout } = await sh(
      ['-v', 'memory:/m', '-v', 'dir:/d'],
      'mount | grep -o "tmpfs on /m.*size=1024k"; cat /d/hello',
    );
    expect(stdout).toMatch(/^tmpfs on \/m .*size=1024k\nhello\n$/);
    expect(await bed.ctr('volume', 'create', '--opt', 'type=nfs', '--opt', 'device=a:/b', 'nfs')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('needs root'),
    });
  });

  promise('lists by label, and shows one as podman does', async () => {
    await bed.ctr('volume', 'create', '--label', 'team=web', 'labelled');
    expect(await volumes('--filter', 'label=team=web')).toBe('labelled\n');
    const [shown] = JSON.parse((await bed.ctr('volume', 'inspect', 'labelled')).stdout);
    expect(shown).toMatchObject({ Name: 'labelled', Driver: 'local', Labels: { team: 'web' }, Options: {} });
    expect(statSync(shown.Mountpoint).isDirectory()).toBe(true);
  });

  promise('prunes anonymous ones that no container has, with --all named ones, too', async () => {
    await bed.ctr('create', '--name', 'keeper', '-v', 'needed:/x', image, 'true');
    await bed.ctr('volume', 'create', 'unused');
    await bed.ctr('volume', 'create');
    await bed.ctr('create', '--name', 'nameless', '-v', '/y', image, 'true');
    await bed.ctr('rm', 'nameless');
    const loose = await volumes('--filter', 'anonymous=true', '--filter', 'dangling=true');
    expect(loose).not.toBe('');
    await bed.ctr('volume', 'prune', '--force');
    expect(await volumes('--filter', 'anonymous=true', '--filter', 'dangling=true')).toBe('');
    expect(await volumes()).toContain('unused\n');
    await bed.ctr('volume', 'prune', '--all', '--force');
    expect(await volumes()).toContain('needed\n');
    expect(await volumes()).not.toContain('unused\n');
    await bed.ctr('volume', 'create', 'unused');
    await bed.ctrWith({ env: { CTR_COMPAT: 'podman' } }, 'volume', 'prune', '--force');
    expect(await volumes()).not.toContain('unused\n');
  });
});

describe('volume plugins [E] Docker volume plugin protocol', () => {
  promise('the sample of the documentation makes, mounts and removes volumes', async () => {
    const socket = `${bed.home}/run/ctr/plugins/folders.sock`;
    const sample = `${bed.home}/volume-plugin.mjs`;
    writeFileSync(sample, readFileSync(join(import.meta.dirname, '../../docs/examples/volume-plugin.mjs')), {
      mode: 0o644,
    });
    const plugin = startAs(bed.user, [process.execPath, sample, `${bed.home}/folders`, socket], { env: bed.env });
    try {
      await until('the plugin to listen', () => plugin.stdout().includes('listening'));
      expect(await sh(['--volume-driver', 'folders', '-v', 'photos:/p'], 'echo hi > /p/one')).toMatchObject({
        code: 0,
      });
      expect(readFileSync(`${bed.home}/folders/photos/one`, 'utf8')).toBe('hi\n');
      expect(await bed.ctr('volume', 'rm', 'photos')).toMatchObject({ code: 0 });
      expect((await bed.sh('ls folders')).stdout).toBe('');
    } finally {
      plugin.child.kill();
      await plugin.ended;
    }
  });

  promise('one that is not there is named, with the places that were looked at', async () => {
    const outcome = await bed.ctr('volume', 'create', '--driver', 'absent', 'x');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('plugins/absent.sock');
  });
});
