/** Image stores that are only read (docs/images.md "Stores of others"): one's own on another disk, and another user's. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const promise = needs('registry', 'busybox', 'subordinate-ids');
let bed: Bed;
let other: Bed;
let store: string;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  other = await openBed();
  image = bed.image('busybox');
  store = `${bed.directory('disk')}/store`;
  await bed.ctr('--root', store, 'pull', '-q', image);
  await bed.ctr('--root', store, 'tag', image, 'localhost/shared:1');
});
afterAll(async () => {
  await bed?.close();
  await other?.close();
});

const options = () => ['--storage-opt', `additionalimagestore=${store}`];
const ctr = (...args: readonly string[]) => bed.ctr(...options(), ...args);
/** Every name below the store with its type, mode, owner, size and times but that of reading. */
const snapshot = () => execFileSync('find', [store, '-printf', '%P %y %m %U %s %T@ %C@\n'], { encoding: 'utf8' });
const layersOf = (one: Bed) => readdirSync(`${one.dataRoot}/layers`).filter((name) => name !== 'l');
const quiet = ['--rm', '-q', '--network', 'none', '--pull', 'never'];

describe('a store of one’s own that is only read [E]', () => {
  promise('images marks what is in it; without it nothing is known', async () => {
    expect(await bed.ctr('images', '-q')).toMatchObject({ code: 0, stdout: '' });
    const { stdout } = await ctr('images', '--format', 'table {{.Repository}}\t{{.Tag}}\t{{.ReadOnly}}');
    expect(stdout).toMatch(/^REPOSITORY +TAG +R\/O\n.*busybox +latest +true\nlocalhost\/shared +1 +true\n$/);
    expect((await ctr('images')).stdout).toMatch(/ R\/O\n/);
    expect((await ctr('images', '-q', '--filter', 'readonly=false')).stdout).toBe('');
    expect(JSON.parse((await ctr('images', '--format', 'json')).stdout)[0]).toMatchObject({ ReadOnly: true });
  });

  promise('run, exec, build, save, push and inspect use it in place, and nothing in it changes', async () => {
    const before = snapshot();
    expect(
      await ctr('run', ...quiet, 'shared:1', 'sh', '-c', 'echo x > /etc/new; chown 1:1 /etc/new; ls /etc/new'),
    ).toEqual(expect.objectContaining({ code: 0, stdout: '/etc/new\n', stderr: '' }));
    expect(layersOf(bed)).toEqual([]);
    expect((await ctr('inspect', '--format', '{{.RepoTags}}', 'shared:1')).stdout).toContain('localhost/shared:1');
    await ctr('create', '--name', 'kept', '-q', 'shared:1', 'true');
    expect(await ctr('commit', '-q', 'kept', 'localhost/committed')).toMatchObject({ code: 0 });
    bed.file('Dockerfile', 'FROM localhost/shared:1\nRUN echo built > /built\n');
    expect(await ctr('build', '-q', '-t', 'derived', '--network', 'none', '.')).toMatchObject({ code: 0 });
    expect(await ctr('run', ...quiet, 'derived', 'cat', '/built')).toMatchObject({ stdout: 'built\n' });
    expect(await ctr('save', '-q', '-o', 'derived.tar', 'derived', 'shared:1')).toMatchObject({ code: 0 });
    expect(await ctr('push', '-q', 'shared:1', `${bed.registryHost}/shared/again:1`)).toMatchObject({ code: 0 });
    expect(await ctr('system', 'check')).toMatchObject({ code: 0, stdout: 'The store is sound.\n' });
    await ctr('rm', 'kept');
    expect(snapshot()).toBe(before);
  });

  promise('rmi and untag refuse it with the reason; prune leaves it alone', async () => {
    const before = snapshot();
    for (const verb of ['rmi', 'untag']) {
      expect(await ctr(verb, 'localhost/shared:1')).toMatchObject({
        code: 125,
        stderr: expect.stringContaining(`localhost/shared:1 is in the image store ${store}, which is only read`),
      });
    }
    expect(await ctr('tag', 'shared:1', 'localhost/mine:1')).toMatchObject({ code: 0 });
    expect(await ctr('rmi', 'localhost/mine:1')).toMatchObject({ code: 0, stdout: 'Untagged: localhost/mine:1\n' });
    expect(await ctr('image', 'prune', '-a', '-f')).toMatchObject({ code: 0 });
    expect(await ctr('rmi', '--all')).toMatchObject({ code: 0, stdout: '' });
    expect((await ctr('images', '-q')).stdout).not.toBe('');
    expect(snapshot()).toBe(before);
  });

  promise('ctr.toml and CTR_ADDITIONAL_STORES name stores, too; one that is not there is left out', async () => {
    const list = 'ctr images -q | wc -l';
    const env = { CTR_ADDITIONAL_STORES: `/no/such:${store}` };
    expect(await bed.sh(list, { env })).toMatchObject({
      stdout: '1\n',
      stderr: expect.stringContaining('the image store /no/such is left out: there is none'),
    });
    bed.directory('config/ctr');
    bed.file('config/ctr/ctr.toml', `[storage]\nadditionalStores = ["${store}"]\n`);
    expect(await bed.sh(list, { env: { XDG_CONFIG_HOME: `${bed.home}/config` } })).toMatchObject({ stdout: '1\n' });
    bed.file('config/ctr/ctr.toml', '[storage]\nadditionalStores = ["here"]\n');
    expect(await bed.sh('ctr ps', { env: { XDG_CONFIG_HOME: `${bed.home}/config` } })).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('additionalStores has "here"'),
    });
    expect(await bed.ctr('--storage-opt', 'overlay.size=1', 'images')).toMatchObject({ code: 125 });
  });
});

describe('a store of another user [E]', () => {
  promise('that is closed is left out, with what its owner can do', async () => {
    chmodSync(bed.home, 0o755);
    expect(await other.ctr(...options(), 'images')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`the image store ${store} is left out: it is closed to you`),
    });
  });

  promise('gives its archives: the layers are unpacked once for one’s own ids, without a registry', async () => {
    await bed.sh(`cd ${store} && chmod a+rX . && chmod -R a+rX blobs images tags oci-layout`);
    const before = snapshot();
    const run = () => other.ctr(...options(), 'run', ...quiet, 'shared:1', 'sh', '-c', 'chown 7 /etc; stat -c %u /etc');
    const first = await run();
    expect(first).toMatchObject({ code: 0, stdout: '7\n', stderr: expect.stringContaining('have other owners') });
    expect(await run()).toMatchObject({ code: 0, stdout: '7\n', stderr: '' });
    expect(layersOf(other).length).toBeGreaterThan(0);
    expect(existsSync(`${other.dataRoot}/blobs/sha256`) && readdirSync(`${other.dataRoot}/blobs/sha256`)).toEqual([]);
    expect(snapshot()).toBe(before);
    // The copy is one's own, and goes like any other.
    expect(await other.ctr(...options(), 'rmi', 'shared:1')).toMatchObject({ code: 0 });
    expect(layersOf(other)).toEqual([]);
  });
});
