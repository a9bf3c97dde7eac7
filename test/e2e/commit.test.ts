/** `ctr diff` and `ctr commit`: what a container changed, and an image of it. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
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
