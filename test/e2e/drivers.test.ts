/** The storage drivers, the same promises for each: what an image's layers become (image-spec layer.md). */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { pushLayered } from '../support/layered-image.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  image = await pushLayered(bed.registryHost);
  await bed.ctr('pull', '-q', image);
});
afterAll(() => bed?.close());

for (const driver of ['overlay', 'fuse-overlayfs', 'vfs'] as const) {
  const promise = needs('registry', 'subordinate-ids', ...(driver === 'fuse-overlayfs' ? (['fuse'] as const) : []));
  const sh = (script: string, ...flags: readonly string[]) =>
    bed.ctr(`--storage-driver=${driver}`, 'run', '--rm', '--network=none', ...flags, image, 'sh', '-c', script);

  describe(`the storage driver ${driver} [E]`, () => {
    promise('hides what an upper layer removed, and what is below an opaque directory', async () => {
      const outcome = await sh('ls /gone; ls /app /opaque; cat /app/replaced');
      expect(outcome.stderr).toContain('/gone: No such file');
      expect(outcome.stdout).toBe('/app:\none\nreplaced\nsuid\n\n/opaque:\nabove\nnew\n');
    });

    promise('keeps owners, modes, set-id bits and hard links', async () => {
      const { stdout } = await sh('stat -c "%u:%g %a %h" /app/one /app/suid /secret /secret/s /data/hard');
      expect(stdout.trim().split('\n')).toEqual([
        '33:42 640 1',
        '0:0 4755 1',
        expect.stringMatching(/^1000:1000 700 /),
        '1000:1000 600 1',
        '1000:1000 600 2',
      ]);
    });

    promise('lets the container change everything, and the next one see nothing of it', async () => {
      const change =
        'rm -r /data /app/one && echo x > /app/replaced && chown 5:6 /opaque && mv /empty /moved && ls /moved';
      expect(await sh(change)).toMatchObject({ code: 0 });
      const { stdout } = await sh('cat /app/replaced; stat -c %u /opaque; ls -d /empty /data /app/one');
      expect(stdout).toBe('new\n0\n/app/one\n/data\n/empty\n');
    });

    promise('keeps a container’s changes from one start to the next', async () => {
      const name = `kept-${driver}`;
      const script = 'cat /app/count 2>/dev/null; echo one more >> /app/count; rm -f /app/one; ls /app/one';
      const create = ['create', '--name', name, '--network=none', image, 'sh', '-c', script];
      expect(await bed.ctr(`--storage-driver=${driver}`, ...create)).toMatchObject({ code: 0 });
      expect((await bed.ctr('start', '--attach', name)).stdout).toBe('');
      expect((await bed.ctr('start', '--attach', name)).stdout).toBe('one more\n');
      expect(await bed.ctr('rm', name)).toMatchObject({ code: 0 });
    });

    promise('leaves neither process nor mount behind, even when everything was killed', async () => {
      const running = bed.start(`--storage-driver=${driver}`, 'run', '--rm', '--network=none', image, 'sleep', '4711');
      await until('the command to run', async () => (await bed.sh('pgrep -f "sleep 4711"')).code === 0);
      expect(bed.mounts()).toEqual([]);
      const own = 'ctr run|sleep 4711|ctr-supervise';
      await bed.sh(`pgrep -u ${bed.user.uid} -f '${own}' | xargs -r kill -9`);
      await running.ended;
      await until(
        'all processes to be gone',
        async () => (await bed.sh('pgrep -x fuse-overlayfs -r R,S,D')).code !== 0,
      );
    });
  });
}

describe('a store on a file system that refuses overlay [E]', () => {
  const promise = needs('registry', 'subordinate-ids', 'fuse');

  promise('is found out by trying, said once, and works', async () => {
    const nested = [
      ...['run', '--rm', '--network=host', '--privileged'],
      ...['/usr', '/lib', '/lib64', '/etc/ssl'].flatMap((path) => ['-v', `${path}:${path}:ro`]),
      ...['-v', `${bed.env.PATH?.split(':')[0]?.replace(/\/bin$/, '')}:/ctr:ro`],
      ...['-v', `${bed.home}/.config/containers:/root/.config/containers:ro`],
      ...['-e', 'HOME=/root', '-e', 'PATH=/ctr/bin:/usr/bin:/bin:/usr/sbin'],
    ];
    const inner = `ctr run --rm --network none ${image} sh -c 'cat /app/replaced; ls /opaque; mount | grep " / "'`;
    const outcome = await bed.ctr(...nested, image, 'sh', '-c', `${inner}; ${inner}`);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toMatch(/^(new\nabove\nfuse-overlayfs on \/ [^\n]*\n){2}$/);
    expect(outcome.stderr.match(/storage driver fuse-overlayfs is used/g)).toHaveLength(1);
  });
});

describe('a container that goes with its end [E] overlayfs "Volatile mount"', () => {
  const promise = needs('registry', 'subordinate-ids');

  promise('is never synced to the disk, and can be filled before it starts all the same', async () => {
    bed.file('given', 'given\n');
    const script = 'grep -o volatile /proc/mounts; cat /given; sleep 1000';
    const made = await bed.ctr('create', '--rm', '--name', 'gone', '--network=none', image, 'sh', '-c', script);
    expect(made).toMatchObject({ code: 0 });
    expect(await bed.ctr('cp', 'given', 'gone:/given')).toMatchObject({ code: 0 });
    expect(await bed.ctr('start', 'gone')).toMatchObject({ code: 0 });
    const logs = async () => (await bed.ctr('logs', 'gone')).stdout;
    await until('its start', async () => (await logs()).includes('given\n'));
    expect(await logs()).toBe('volatile\ngiven\n');
    expect(await bed.ctr('commit', '-q', 'gone', 'localhost/gone')).toMatchObject({ code: 0 });
    await bed.ctr('rm', '-f', '-t', '0', 'gone');
    const kept = await bed.ctr('run', '-q', '--network=none', image, 'grep', '-c', 'volatile', '/proc/mounts');
    expect(kept.stdout).toBe('0\n');
  });
});
