/** `ctr diff` and `ctr commit`: what a container changed, and an image of it. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { pushLayered } from '../support/layered-image.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const changes =
  'echo a >/etc/new; rm /etc/shadow; rm -r /var/www; mkdir /var/www; touch /var/www/z; chmod 600 /etc/group; mkdir -p /srv/a; chown 33:33 /srv/a';
beforeAll(async () => {
  bed = await openBed();
  const flags = ['--name', 'changed', '--network', 'none', '-e', 'MADE=yes', '-l', 'of=container'];
  await bed.ctr('run', ...flags, bed.image('busybox'), 'sh', '-c', changes);
});
afterAll(() => bed?.close());

const run = (...words: readonly string[]) => bed.ctr('run', '--rm', '--network', 'none', ...words);

describe('ctr diff [E]', () => {
  promise('shows what was added, changed and deleted, and no mount point', async () => {
    const { stdout } = await bed.ctr('diff', 'changed');
    expect(stdout.trim().split('\n')).toEqual([
      'C /etc',
      'C /etc/group',
      'A /etc/new',
      'D /etc/shadow',
      'A /srv',
      'A /srv/a',
      'C /var',
      'C /var/www',
      'A /var/www/z',
    ]);
  });

  promise('shows nothing for a container that changed nothing', async () => {
    await bed.ctr('run', '--name', 'same', '--network', 'none', bed.image('busybox'), 'true');
    expect(await bed.ctr('diff', 'same')).toMatchObject({ code: 0, stdout: '' });
  });

  promise('lists by kind with --format json', async () => {
    const { stdout } = await bed.ctr('diff', '--format', 'json', 'changed');
    expect(JSON.parse(stdout)).toMatchObject({
      deleted: ['/etc/shadow'],
      changed: ['/etc', '/etc/group', '/var', '/var/www'],
    });
  });
});

describe('ctr commit [E]', () => {
  promise('makes an image with the changes, the command and the variables of the container', async () => {
    const words = ['-m', 'with changes', '-a', 'somebody', '-c', 'LABEL by=commit', '-c', 'USER 33'];
    const { stdout } = await bed.ctr('commit', ...words, 'changed', 'local/changed:1');
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    const look = 'cat /etc/new; ls /etc/shadow /var/www; stat -c %u:%g:%a /srv/a; echo $MADE; id -u';
    expect((await run('local/changed:1', 'sh', '-c', look)).stdout).toBe('a\n/var/www:\nz\n33:33:755\nyes\n33\n');
    const inspected = JSON.parse((await bed.ctr('image', 'inspect', 'local/changed:1')).stdout);
    expect(inspected[0]).toMatchObject({ Author: 'somebody', Config: { Labels: { of: 'container', by: 'commit' } } });
    expect((await bed.ctr('history', 'local/changed:1')).stdout).toContain('with changes');
  });

  promise('adds one layer, that other tools can read', async () => {
    await bed.ctr('commit', '-q', 'changed', 'local/changed:2');
    const saved = await bed.sh(
      'ctr save --format oci-archive -o c.tar local/changed:2 && skopeo inspect oci-archive:c.tar',
    );
    expect(JSON.parse(saved.stdout).Layers).toHaveLength(2);
  });

  promise('makes one layer of all with --squash, in Docker’s format too', async () => {
    expect(await bed.ctr('commit', '-q', '--squash', '-f', 'docker', 'changed', 'flat')).toMatchObject({ code: 0 });
    expect((await run('flat', 'sh', '-c', 'cat /etc/new; ls /bin/busybox')).stdout).toBe('a\n/bin/busybox\n');
  });

  promise('works while the container runs', async () => {
    await bed.ctr(
      'run',
      '-d',
      '--name',
      'up',
      '--network',
      'none',
      bed.image('busybox'),
      'sh',
      '-c',
      'echo up >/up; sleep 1000',
    );
    await bed.ctr('exec', 'up', 'sh', '-c', 'echo more >>/up');
    expect(await bed.ctr('commit', '-q', 'up', 'up:1')).toMatchObject({ code: 0 });
    expect((await run('up:1', 'cat', '/up')).stdout).toBe('up\nmore\n');
  });
});

describe('ctr commit with a single id [E] docs/rootless.md', () => {
  needs('registry', 'root')('keeps the owners that the image has recorded', async () => {
    const single = await openBed({ images: [], ranges: false });
    try {
      const image = await pushLayered(single.registryHost);
      const script = 'echo more >> /app/one; chmod 644 /app/one; mkdir /app/dir; touch /app/own';
      const made = await single.ctr('run', '-q', '--name', 'c', '--network', 'none', image, 'sh', '-c', script);
      expect(made).toMatchObject({ code: 0 });
      for (const [name, flags] of [
        ['layered', []],
        ['squashed', ['--squash']],
      ] as const) {
        expect(await single.ctr('commit', '-q', ...flags, 'c', name)).toMatchObject({ code: 0 });
        await single.ctr('save', '-q', '--format', 'oci-dir', '-o', name, name);
        const listing = `for blob in ${name}/blobs/sha256/*; do tar --numeric-owner -tvf $blob 2>/dev/null; done`;
        const lines = (await single.sh(listing)).stdout.split('\n').map((line) => line.split(/\s+/));
        const last = (path: string) =>
          lines.findLast((words) => words.at(-1)?.replace(/^\.\//, '') === path)?.slice(0, 2);
        const changed = lines.filter((words) => words.at(-1)?.endsWith('app/one'));
        expect(changed.map(([mode, owner]) => `${mode} ${owner}`)).toContain('-rw-r--r-- 33/42');
        expect(last('app/own')).toEqual(['-rw-r--r--', '0/0']);
      }
    } finally {
      await single.close();
    }
  });
});
