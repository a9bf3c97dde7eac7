/** `ctr build` with each storage driver: a RUN's layer is the same whatever keeps its changes apart. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { pushLayered } from '../support/layered-image.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
  const image = await pushLayered(bed.registryHost);
  await bed.ctr('pull', '-q', image);
  await bed.ctr('tag', image, 'localhost/base');
  bed.directory('context');
  bed.file('context/Dockerfile', dockerfile.join('\n'));
});
afterAll(() => bed?.close());

/** Every kind of change, each beside what stays. */
const dockerfile = [
  'FROM localhost/base',
  'RUN rm /app/one && echo new >/app/two && chmod 600 /app/replaced',
  'RUN rm -r /data && mkdir -p /data && echo other >/data/file && mv /app/two /app/three && chown 5:6 /opaque/above',
  'RUN mkdir /tree && cd /tree && mkdir -p a/b c && echo 1 >a/b/f && ln a/b/f c/hard && ln -s /app sym && mkfifo pipe',
  'RUN rm /tree/c/hard && mv /tree/a /tree/d && rm -r /opaque && echo now a file >/opaque',
  'RUN mv /tree/d/b /moved && touch -d 1999-01-01 /tree/sym /moved/f && setfattr -n user.k -v v /moved/f 2>/dev/null; true',
  'RUN true',
  'RUN --mount=type=tmpfs,target=/mnt/deep/place touch /mnt/deep/place/x; cp -a /moved /again; echo end >>/again/f',
];
const listing =
  'find / -xdev -path /proc -prune -o -path /dev -prune -o -path /etc -prune -o -print | sort | xargs ls -ld';

const ids = new Map<string, string>();
for (const driver of ['overlay', 'fuse-overlayfs', 'vfs'] as const) {
  const promise = needs('registry', 'subordinate-ids', ...(driver === 'fuse-overlayfs' ? (['fuse'] as const) : []));
  describe(`ctr build with the driver ${driver} [E]`, () => {
    promise('makes the same image as with the others', async () => {
      const words = ['build', '--network', 'none', '--no-cache', '-q', '-t', `made-${driver}`, 'context'];
      const built = await bed.ctr(`--storage-driver=${driver}`, ...words);
      expect(built.code, built.stderr).toBe(0);
      ids.set(driver, built.stdout);
      const seen = await bed.ctr('run', '--rm', '--network', 'none', `localhost/made-${driver}`, 'sh', '-c', listing);
      expect(seen.stdout).toContain('/again/f');
      expect(new Set(ids.values()).size, [...ids].join(' ')).toBe(1);
      expect(bed.mounts()).toEqual([]);
    });
  });
}

describe('ctr build with the driver vfs [E]', () => {
  needs('registry', 'subordinate-ids')('sees a change that keeps size and modification time', async () => {
    bed.file(
      'context/Dockerfile',
      [
        'FROM localhost/base',
        'RUN cp -p /app/replaced /kept && tr a-z A-Z </kept >/app/replaced && touch -r /kept /app/replaced && rm /kept',
      ].join('\n'),
    );
    const built = await bed.ctr('--storage-driver=vfs', 'build', '--network', 'none', '-q', '-t', 'sly', 'context');
    expect(built.code, built.stderr).toBe(0);
    expect((await bed.sh('ls .local/share/ctr/containers')).stdout).toBe('');
    expect((await bed.ctr('run', '--rm', '--network', 'none', 'sly', 'cat', '/app/replaced')).stdout).toBe('NEW\n');
  });
});

describe('ctr build with a single id [E]', () => {
  needs(
    'root',
    'registry',
    'skopeo',
  )('makes the same image with vfs as with overlay', async () => {
    const single = await openBed({ ranges: false });
    try {
      await single.ctr('pull', '-q', await pushLayered(single.registryHost));
      await single.ctr('tag', await pushLayered(single.registryHost), 'localhost/base');
      single.directory('context');
      single.file('context/Dockerfile', dockerfile.join('\n'));
      const made = [];
      for (const driver of ['overlay', 'vfs']) {
        const words = ['build', '--network', 'none', '--no-cache', '-q', 'context'];
        const built = await single.ctr(`--storage-driver=${driver}`, ...words);
        expect(built.code, built.stderr).toBe(0);
        made.push(built.stdout);
      }
      expect(made[1]).toBe(made[0]);
    } finally {
      await single.close();
    }
  });
});
