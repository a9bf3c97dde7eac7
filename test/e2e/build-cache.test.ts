/** `ctr build --cache-to` and `--cache-from`: steps that one user ran, found by another (docs/build.md "The cache"). */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let maker: Bed;
let user: Bed;
let shared: string;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  [maker, user] = [await openBed(), await openBed()];
  for (const bed of [maker, user]) {
    await bed.ctr('pull', '-q', bed.image('busybox'));
    await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
    for (const [path, content] of Object.entries(project)) {
      mkdirSync(dirname(`${bed.directory('project')}/${path}`), { recursive: true });
      writeFileSync(`${bed.home}/project/${path}`, content);
    }
  }
  // Both may read and write it, as a CI job's cache directory.
  shared = maker.directory('shared');
  await maker.sh('chmod 777 shared && chmod 755 .');
});
afterAll(async () => {
  await maker?.close();
  await user?.close();
});

/** Deleted and linked files, owners, a step without a layer, two stages. */
const project = {
  Dockerfile: [
    'FROM localhost/base AS compile',
    'RUN echo program >/out && chown 7:8 /out && chmod 4755 /out && ln /out /again',
    'FROM localhost/base',
    'WORKDIR /srv',
    'COPY app.txt .',
    'RUN rm /etc/shadow && mkdir -p /data && echo x >/data/x && ln -s x /data/link',
    'RUN true',
    'COPY --from=compile /out /again ./',
    'CMD ["cat", "app.txt"]',
  ].join('\n'),
  'app.txt': 'app\n',
};

const build = (bed: Bed, ...flags: readonly string[]) =>
  bed.ctr('build', '--network', 'none', '-t', 'app', ...flags, 'project');
const forget = (bed: Bed) => bed.sh('ctr rmi -f localhost/app; ctr builder prune -f');
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;
const digestOf = async (bed: Bed) =>
  (await bed.ctr('image', 'inspect', '-f', '{{.Id}} {{.Digest}}', 'localhost/app')).stdout;

/** Built by one user, then by the other with nothing but the cache. */
async function passOn(to: string, from: string): Promise<string> {
  await forget(maker);
  expect(await build(maker, '--cache-to', to)).toMatchObject({ code: 0 });
  await forget(user);
  const second = await build(user, '--cache-from', from);
  expect(second).toMatchObject({ code: 0 });
  expect(await digestOf(user)).toBe(await digestOf(maker));
  return second.stderr;
}

describe('ctr build --cache-from, --cache-to [E]', () => {
  const repository = () => `${maker.registryHost}/cache/app`;

  promise('a registry: with mode=max every step is found, and the image is the same', async () => {
    const ref = `type=registry,ref=${repository()}:max`;
    const steps = await passOn(`${ref},mode=max`, ref);
    expect(count(steps, /CACHED/g)).toBe(6);
    expect(count(steps, /DONE/g)).toBe(0);
    expect(
      (await user.ctr('run', '--rm', '--network', 'none', 'localhost/app', 'stat', '-c', '%u:%g %a', 'out')).stdout,
    ).toBe('7:8 4755\n');
  });

  promise('mode=min has the steps of the target stage only', async () => {
    const steps = await passOn(`type=registry,ref=${repository()}:min`, `${repository()}:min`);
    expect(count(steps, /CACHED/g)).toBe(5);
    expect(count(steps, /DONE/g)).toBe(1);
  });

  promise('a repository alone, as podman writes it, holds every step', async () => {
    expect(count(await passOn(repository(), repository()), /CACHED/g)).toBe(6);
  });

  promise('a directory, compressed or not', async () => {
    for (const compression of ['uncompressed', 'zstd']) {
      const to = `type=local,dest=${shared}/${compression},mode=max,compression=${compression}`;
      expect(count(await passOn(to, `type=local,src=${shared}/${compression}`), /CACHED/g)).toBe(6);
    }
  });

  promise('inline: the cache is in the image that was pushed', async () => {
    await forget(maker);
    const image = `${maker.registryHost}/inline/app:1`;
    const flags = ['--network', 'none', '--cache-to', 'type=inline', '-t', image, '--push'];
    const pushed = await maker.ctr('build', ...flags, 'project');
    expect(pushed).toMatchObject({ code: 0 });
    await forget(user);
    const steps = (await build(user, '--cache-from', image)).stderr;
    expect(count(steps, /CACHED/g)).toBe(5);
    expect(await build(maker, '--cache-to', 'type=inline', '--squash-all')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('inline'),
    });
  });

  promise('fetches only the layers of steps that are found', async () => {
    await forget(maker);
    await build(maker, '--cache-to', `type=local,dest=${shared}/lazy,mode=max,compression=uncompressed`);
    const blobs = `${shared}/lazy/blobs/sha256`;
    for (const name of readdirSync(blobs)) {
      if (/app\.txt|data\/link/.test(readFileSync(`${blobs}/${name}`, 'latin1'))) rmSync(`${blobs}/${name}`);
    }
    await forget(user);
    await user.sh('cp -r project changed && echo changed >changed/app.txt');
    const built = await user.ctr('build', '--network=none', '--cache-from', `type=local,src=${shared}/lazy`, 'changed');
    // The first stage and WORKDIR; what COPY reads is another file.
    expect(count(built.stderr, /CACHED/g)).toBe(2);
    expect(count(built.stderr, /DONE/g)).toBe(4);
    expect(built.stderr).not.toContain('is not used');
  });

  promise(
    'a cache that cannot be reached is a warning; one that cannot be written is an error unless ignored',
    async () => {
      await forget(user);
      const none = 'type=registry,ref=127.0.0.1:1/none';
      const built = await build(
        user,
        '--tls-verify=false',
        '--cache-from',
        none,
        '--cache-from',
        'type=local,src=/nowhere',
      );
      expect(built).toMatchObject({ code: 0 });
      expect(built.stderr).toMatch(/warning: --cache-from 127\.0\.0\.1:1\/none is not used: /);
      expect(built.stderr).toMatch(/warning: --cache-from \/nowhere is not used: /);
      expect(await build(user, '--cache-to', 'type=local,dest=/usr/none')).toMatchObject({ code: 125 });
      const ignored = await build(user, '--cache-to', 'type=local,dest=/usr/none,ignore-error=true');
      expect(ignored).toMatchObject({ code: 0, stderr: expect.stringContaining('warning: --cache-to /usr/none: ') });
    },
  );

  promise('a layer that is not what the cache says is not taken: the step is run', async () => {
    await forget(maker);
    await build(maker, '--cache-to', `type=local,dest=${shared}/bad,mode=max,compression=uncompressed`);
    const wanted = await digestOf(maker);
    const blobs = `${shared}/bad/blobs/sha256`;
    for (const name of readdirSync(blobs)) {
      const content = readFileSync(`${blobs}/${name}`);
      if (content.includes('ustar')) writeFileSync(`${blobs}/${name}`, content.fill(65, 1024, 1030));
    }
    await forget(user);
    const built = await build(user, '--cache-from', `type=local,src=${shared}/bad`);
    expect(built).toMatchObject({ code: 0, stderr: expect.stringMatching(/is not used: the content of sha256:/) });
    expect(await digestOf(user)).toBe(wanted);
  });

  promise('a whole layer under the diff_id of another is not taken either', async () => {
    await forget(maker);
    const path = `${shared}/swapped`;
    await build(maker, '--cache-to', `type=local,dest=${path},mode=max,compression=gzip`);
    const wanted = await digestOf(maker);
    swapDiffIds(path);
    await forget(user);
    const built = await build(user, '--cache-from', `type=local,src=${path}`);
    expect(built).toMatchObject({ code: 0, stderr: expect.stringMatching(/is not used: sha256:\w+ is not the layer/) });
    expect(await digestOf(user)).toBe(wanted);
  });

  needs(
    'registry',
    'skopeo',
    'busybox',
  )('with a single id the cache is one of its own, and found the same', async () => {
    const single = await openBed({ ranges: false });
    try {
      await single.sh(`cp -r ${maker.home}/project . && ctr pull -q ${single.image('busybox')}`);
      await single.ctr('tag', single.image('busybox'), 'localhost/base');
      expect(await build(single, '--cache-to', 'type=local,dest=cache,mode=max')).toMatchObject({ code: 0 });
      const wanted = await digestOf(single);
      await forget(single);
      const again = await build(single, '--cache-from', 'type=local,src=cache');
      expect(count(again.stderr, /CACHED/g)).toBe(6);
      expect(await digestOf(single)).toBe(wanted);
      expect(await build(single, '--squash')).toMatchObject({ code: 0 });
      const { stdout } = await single.ctr(
        'run',
        '--rm',
        '--network=none',
        'localhost/app',
        'ls',
        '/srv',
        '/data',
        '/etc/shadow',
      );
      expect(stdout).toBe('/data:\nlink\nx\n\n/srv:\nagain\napp.txt\nout\n');
    } finally {
      await single.close();
    }
  });

  promise('an image without a cache in it is a warning', async () => {
    const path = `${shared}/foreign`;
    await maker.sh(
      `rm -rf ${path}; skopeo copy -q docker://${maker.image('busybox')} oci:${path}:latest --src-tls-verify=false`,
    );
    await forget(user);
    const built = await build(user, '--cache-from', `type=local,src=${path}`);
    expect(built).toMatchObject({ code: 0, stderr: expect.stringContaining('it holds no build cache of ctr') });
  });

  promise('refuses what it does not know before anything is built', async () => {
    for (const [flags, reason] of [
      [['--cache-to', 'type=gha'], 'registries and directories only'],
      [['--cache-to', 'type=local,src=x'], 'dest=DIRECTORY'],
      [['--cache-from', 'type=local,src=x,mode=max'], 'mode is not known'],
      [['--cache-to', 'type=registry,ref=x,compression=lzma'], 'gzip, zstd or uncompressed'],
    ] as const) {
      expect(await build(user, ...flags)).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    }
  });
});

/** A cache whose every digest is right, and whose layers stand under one another's diff_ids. */
function swapDiffIds(path: string): void {
  const at = (digest: string) => `${path}/blobs/${digest.replace(':', '/')}`;
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  const put = (value: object) => {
    const content = JSON.stringify(value);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    writeFileSync(at(digest), content);
    return { digest, size: Buffer.byteLength(content) };
  };
  const index = read(`${path}/index.json`);
  const manifest = read(at(index.manifests[0].digest));
  const config = read(at(manifest.config.digest));
  const [first, ...others] = config.diffIds;
  Object.assign(manifest.config, put({ ...config, diffIds: [...others, first] }));
  Object.assign(index.manifests[0], put(manifest));
  writeFileSync(`${path}/index.json`, JSON.stringify(index));
}
