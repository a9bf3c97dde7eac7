/** Power cuts, dying registries, full disks: whatever happens during a pull, the next one works and nothing is lost. */
import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { pushFixture, referenceOf } from '../support/images.ts';
import { missing, needs } from '../support/needs.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { asUser, until } from '../support/run-as.ts';
import { callingUser } from '../support/user.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const asRoot = needs('root', 'registry', 'skopeo', 'busybox');
const canRun = missing('registry', 'skopeo', 'busybox') === undefined;
let bed: Bed;
let mortal: Registry | undefined;
beforeAll(async () => {
  if (canRun) bed = await openBed({ images: ['busybox', 'sixlayers'] });
});
afterEach(async () => {
  await mortal?.stop();
  mortal = undefined;
});
afterAll(() => bed?.close());

const runs = (image: string) => bed.ctr('run', '--rm', '-q', '--network', 'none', image, 'echo', 'whole');
const staged = () => {
  try {
    return readdirSync(`${bed.dataRoot}/tmp`).length;
  } catch {
    return 0;
  }
};

describe('pull under faults [E]', () => {
  promise(
    'is taken up again after ctr was killed at twenty random moments',
    async () => {
      const image = bed.image('sixlayers');
      for (let attempt = 0; attempt < 20; attempt++) {
        const pull = bed.start('pull', '-q', image);
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 1500));
        pull.child.kill('SIGKILL');
        await pull.ended;
        expect(await bed.ctr('images')).toMatchObject({ code: 0 });
      }
      expect(await bed.ctr('pull', '-q', image)).toMatchObject({ code: 0 });
      expect(await runs(image)).toMatchObject({ code: 0, stdout: 'whole\n' });
      expect(bed.mounts()).toEqual([]);
    },
    300_000,
  );

  promise(
    'by two at once gives one whole image',
    async () => {
      await bed.ctr('rmi', '-f', bed.image('sixlayers'));
      const both = await Promise.all([0, 1].map(() => bed.ctr('pull', '-q', bed.image('sixlayers'))));
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      expect(both[0]?.stdout).toBe(both[1]?.stdout);
      expect(await runs(bed.image('sixlayers'))).toMatchObject({ code: 0, stdout: 'whole\n' });
    },
    240_000,
  );

  promise(
    'names the registry that died, and works when it is back',
    async () => {
      mortal = await startRegistry();
      const { port } = mortal;
      const at = await openBed({ images: [], insecure: [mortal.host] });
      try {
        const image = await pushFixture(mortal.host, 'sixlayers');
        const pull = at.start('pull', '-q', image);
        await until('the first blob to be asked for', () => mortal?.log().includes('/blobs/') === true);
        await mortal.kill();
        const outcome = await pull.ended;
        expect(outcome.code).toBe(125);
        expect(outcome.stderr).toContain(`127.0.0.1:${port}`);
        expect(outcome.timedOut).toBe(false);

        await mortal.stop();
        mortal = await startRegistry({ port });
        await pushFixture(mortal.host, 'sixlayers');
        expect(await at.ctr('pull', '-q', referenceOf(mortal.host, 'sixlayers'))).toMatchObject({ code: 0 });
      } finally {
        await at.close();
      }
    },
    240_000,
  );

  asRoot('says that the disk is full, and frees what it had staged', async () => {
    const at = await openBed({ images: ['sixlayers'] });
    try {
      const disk = at.directory('disk');
      const script = [
        `mount -t tmpfs -o size=40m,mode=0700,uid=${at.user.uid},gid=${at.user.gid} tmpfs "$0"`,
        `setpriv --reuid ${at.user.uid} --regid ${at.user.gid} --init-groups ctr --root "$0" pull -q ${at.image('sixlayers')}`,
        'code=$?; echo "used $(du -sk "$0" | cut -f1)"; exit $code',
      ].join('\n');
      const outcome = await asRootInPrivateMounts(at, script, disk);
      expect(outcome.code).toBe(125);
      expect(outcome.stderr).toMatch(/no space left|ENOSPC|disk/i);
    } finally {
      await at.close();
    }
  });

  promise('leaves nothing staged once a pull has succeeded', async () => {
    expect(await bed.ctr('pull', '-q', bed.image('busybox'))).toMatchObject({ code: 0 });
    await bed.ctr('pull', '-q', bed.image('sixlayers'));
    expect(staged()).toBe(0);
  });
});

function asRootInPrivateMounts(at: Bed, script: string, argument: string) {
  const argv = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, argument];
  return asUser(callingUser(), argv, { env: at.env, timeoutMs: 120_000 });
}
