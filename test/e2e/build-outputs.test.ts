/** What comes out of `ctr build`, where to, and images as contexts (docs/build.md "What comes out"). */

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { type ContextFiles, makeContext } from '../support/context.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'podman', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed({ podman: true });
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
  makeContext(bed, 'context', app);
});
afterAll(() => bed?.close());

const app = {
  Dockerfile:
    'FROM localhost/base\nCOPY --chown=3:4 app.txt /srv/\nRUN ln /srv/app.txt /srv/same\nCMD ["cat", "/srv/same"]',
  'app.txt': 'app\n',
};
const build = (...flags: readonly string[]) => bed.ctr('build', '-q', '--network', 'none', ...flags, 'context');
const buildFiles = (files: ContextFiles, ...flags: readonly string[]) =>
  bed.ctr('build', '-q', '--network', 'none', ...flags, makeContext(bed, 'other', files));
const json = async (command: string) => JSON.parse((await bed.sh(command)).stdout);

describe('ctr build --output [E]', () => {
  promise('local: the files, the caller’s own', async () => {
    expect(await build('-o', 'type=local,dest=out')).toMatchObject({ code: 0, stdout: '' });
    expect((await bed.sh('stat -c %u out/srv/app.txt; cat out/srv/same')).stdout).toBe(`${bed.user.uid}\napp\n`);
    expect((await bed.ctr('build', '-q', '-o', 'again', 'context')).code).toBe(0);
    expect((await bed.sh('diff -r out again')).stdout).toBe('');
  });

  promise('tar: an archive of the files with their owners, to a file or to standard output', async () => {
    await build('-o', 'type=tar,dest=files.tar');
    const listed = await bed.sh('tar -tvf files.tar --numeric-owner srv/app.txt srv/same');
    expect(listed.stdout).toMatch(/^-rwxr-xr-x 3\/4 .* srv\/app\.txt\n.* srv\/same link to srv\/app\.txt\n$/);
    for (const output of ['-', 'type=tar', 'type=tar,dest=-']) {
      expect((await bed.sh(`ctr build -q -o ${output} context | cmp - files.tar`)).code).toBe(0);
    }
  });

  promise('oci: a layout in an archive that skopeo reads', async () => {
    expect(await build('-o', 'type=oci,dest=app.oci,name=localhost/app:oci')).toMatchObject({ code: 0 });
    expect((await json('skopeo inspect --config oci-archive:app.oci')).config.Cmd).toEqual(['cat', '/srv/same']);
    expect(
      (await bed.sh('ctr build -q -o type=oci context >piped.oci && skopeo inspect oci-archive:piped.oci')).code,
    ).toBe(0);
  });

  promise('docker: an archive that podman loads and runs', async () => {
    expect(await build('-o', 'type=docker,dest=app.tar', '-t', 'app:docker')).toMatchObject({ code: 0 });
    expect((await bed.podman('load', '-q', '-i', 'app.tar')).stdout).toContain('localhost/app:docker');
    expect((await bed.podman('run', '--rm', '--network=none', 'localhost/app:docker')).stdout).toBe('app\n');
  });

  promise('registry, image,push=true and --push upload under every name', async () => {
    const at = (name: string) => `${bed.registryHost}/out/${name}`;
    for (const flags of [
      ['-o', `type=registry,name=${at('a')}`],
      ['-o', `type=image,name=${at('b')},push=true`],
      ['--push', '-t', at('c'), '-t', at('d:2')],
    ]) {
      expect(await build(...flags)).toMatchObject({ code: 0 });
    }
    const digests = await bed.sh(
      ['a', 'b', 'c', 'd:2'].map((name) => `skopeo inspect --format '{{.Digest}}' docker://${at(name)}`).join(';'),
    );
    expect(new Set(digests.stdout.trim().split('\n')).size).toBe(1);
    expect(digests.stdout.trim().split('\n')).toHaveLength(4);
    expect(await build('--push')).toMatchObject({ code: 125, stderr: expect.stringContaining('--push needs a name') });
  });

  promise('several at once', async () => {
    expect(await build('-o', 'both', '-o', 'type=oci,dest=both.oci')).toMatchObject({ code: 0 });
    expect((await bed.sh('cat both/srv/same && skopeo inspect oci-archive:both.oci >/dev/null')).stdout).toBe('app\n');
  });

  promise('refuses what it does not know, and a bad name before anything is built', async () => {
    const named = await bed.ctr('build', '--no-cache', '-t', 'Bad Name', 'context');
    expect(named).toMatchObject({ code: 125, stderr: expect.not.stringContaining('DONE') });
    for (const output of ['type=local', 'type=floppy', 'type=cacheonly,dest=x']) {
      expect(await build('-o', output)).toMatchObject({ code: 125, stderr: expect.stringContaining('--output') });
    }
  });
});

describe('ctr build: what is said of an image [E]', () => {
  promise('--iidfile and --metadata-file: its ID, and the digest that a registry has', async () => {
    const name = `${bed.registryHost}/meta:1`;
    await build('-t', name, '--push', '--iidfile', 'iid', '--metadata-file', 'meta.json');
    const meta = await json('cat meta.json');
    const id = (await bed.ctr('image', 'inspect', '-f', '{{.Id}}', name)).stdout.trim();
    expect((await bed.sh('cat iid')).stdout).toBe(meta['containerimage.config.digest']);
    expect(meta['containerimage.config.digest'].replace('sha256:', '')).toBe(id.replace('sha256:', ''));
    expect(meta['containerimage.digest']).toBe(
      (await bed.sh(`skopeo inspect --format '{{.Digest}}' docker://${name}`)).stdout.trim(),
    );
    expect(meta['containerimage.descriptor']).toMatchObject({ digest: meta['containerimage.digest'] });
    expect(meta['image.name']).toBe(name);
  });

  promise('--label is in the configuration, --annotation in the manifest', async () => {
    await build('--label', 'a=1', '--annotation', 'org.example.b=2', '-o', 'type=oci,dest=noted.oci', '-t', 'noted');
    expect((await json('skopeo inspect oci-archive:noted.oci')).Labels).toEqual({ a: '1' });
    expect((await json('skopeo inspect --raw oci-archive:noted.oci')).annotations).toEqual({ 'org.example.b': '2' });
    const refused = await build('--annotation', 'a=1', '--format', 'docker');
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('neither annotations') });
  });
});

describe('ctr build: Podman’s flags for the image [E]', () => {
  const Dockerfile = 'FROM localhost/nothing\nENV A=1 B=2\nLABEL x=1 y=2\nCOPY . /all/\nRUN env >/seen';
  const files = { Dockerfile, kept: 'k', left: 'l' };

  promise('--from, --env, --unsetenv, --unsetlabel, --omit-history, --ignorefile', async () => {
    bed.file('ignore', 'left\n');
    const flags = ['--env', 'C=3', '--unsetenv', 'A', '--unsetlabel', 'x', '--omit-history'];
    const built = await buildFiles(
      files,
      '--from',
      'localhost/base',
      ...flags,
      '--ignorefile',
      'ignore',
      '-t',
      'flags',
    );
    expect(built).toMatchObject({ code: 0 });
    const [image] = await json('ctr image inspect localhost/flags');
    expect(image.Config.Env).toEqual(expect.arrayContaining(['B=2', 'C=3']));
    expect(image.Config.Env).not.toContain('A=1');
    expect(image.Config.Labels).toEqual({ y: '2' });
    expect((await bed.ctr('history', '-q', 'localhost/flags')).stdout.trim().split('\n').filter(Boolean)).toHaveLength(
      0,
    );
    const { stdout } = await bed.ctr(
      'run',
      '--rm',
      '--network=none',
      'localhost/flags',
      'sh',
      '-c',
      'ls /all; grep -c ^A=1 /seen',
    );
    expect(stdout).toBe('Dockerfile\nkept\n1\n');
  });

  promise('--device and --group-add are a RUN’s, and in its key; --output type=cacheonly makes no image', async () => {
    const run = { Dockerfile: 'FROM localhost/base\nRUN id -G && ls /dev/fuse' };
    const without = await bed.ctr('build', '--network=none', makeContext(bed, 'device', run));
    expect(without.code).not.toBe(0);
    const flags = ['--network=none', '--device=/dev/fuse', '--group-add=1234', '-o', 'type=cacheonly'];
    const withDevice = await bed.ctr('build', ...flags, 'device');
    expect(withDevice).toMatchObject({ code: 0, stdout: '' });
    expect(withDevice.stderr).toMatch(/ 0 .*1234|1234/);
  });

  promise('--http-proxy=false: the proxies of the environment stay outside', async () => {
    const context = makeContext(bed, 'proxy', { Dockerfile: 'FROM localhost/base\nRUN env | grep -i proxy; true' });
    const env = { HTTP_PROXY: 'http://proxy.example:1' };
    const seen = async (...flags: readonly string[]) =>
      (await bed.ctrWith({ env }, 'build', '--no-cache', '--network=none', ...flags, context)).stderr.includes(
        'proxy.example',
      );
    expect([await seen(), await seen('--http-proxy=false'), await seen('--no-http-proxy')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  promise('refuses what cannot be, with the reason', async () => {
    for (const [flag, reason] of [
      ['--volume=/a:/b', 'has to be in its key'],
      ['--layers=false', 'every step is a layer'],
      ['--isolation=chroot', 'isolation of `ctr run`'],
      ['--userns=host', 'namespaces of its own'],
      ['--call=outline', 'want build or check'],
      ['--builder=remote', 'no builder instances'],
    ] as const) {
      expect(await build(flag)).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    }
  });
});

describe('ctr build --squash [E]', () => {
  const files = {
    Dockerfile: [
      'FROM localhost/parent',
      'RUN rm /dir/a /gone && echo new >/dir/c',
      'RUN rm -r /sub && mkdir /sub && echo x >/sub/new',
      'RUN echo lost >/tmp/lost',
      'RUN rm /tmp/lost && rm -r /whole && echo file >/whole && chown 9:9 /dir',
    ].join('\n'),
  };
  const shown = async (image: string) =>
    (
      await bed.ctr(
        'run',
        '--rm',
        '--network=none',
        image,
        'sh',
        '-c',
        'find /dir /sub /whole /gone /tmp -exec stat -c "%n %A %u" {} + 2>/dev/null | sort',
      )
    ).stdout;
  const layersOf = async (image: string) => json(`ctr image inspect -f '{{json .RootFS.Layers}}' localhost/${image}`);

  promise('makes one layer of what the build adds, over the layers of the base image', async () => {
    const parent =
      'FROM localhost/base\nRUN mkdir -p /dir /sub/deep /whole/deep && touch /dir/a /dir/b /gone /sub/old /sub/deep/x';
    await buildFiles({ Dockerfile: parent }, '-t', 'parent');
    expect(await buildFiles(files, '-t', 'plain')).toMatchObject({ code: 0 });
    expect(await buildFiles(files, '-t', 'squashed', '--squash')).toMatchObject({ code: 0 });
    expect(await buildFiles(files, '-t', 'flat', '--squash-all')).toMatchObject({ code: 0 });
    const base = await layersOf('parent');
    expect(await layersOf('squashed')).toEqual([...base, expect.any(String)]);
    expect(await layersOf('flat')).toHaveLength(1);
    const wanted = await shown('plain');
    expect(wanted).toContain('/sub/new');
    expect(wanted).not.toMatch(/old|gone|lost|deep/);
    expect(await shown('squashed')).toBe(wanted);
    expect(await shown('flat')).toBe(wanted);
  });

  promise('the removals are in the archive: another tool sees the same', async () => {
    await bed.sh('ctr save localhost/squashed | podman load -q');
    const podman = await bed.podman(
      'run',
      '--rm',
      '--network=none',
      'localhost/squashed',
      'find',
      '/dir',
      '/sub',
      '/whole',
    );
    const ours = await bed.ctr('run', '--rm', '--network=none', 'localhost/plain', 'find', '/dir', '/sub', '/whole');
    expect(podman.stdout.split('\n').sort()).toEqual(ours.stdout.split('\n').sort());
    const { stdout } = await bed.sh('podman run --rm --network=none localhost/squashed ls /gone; echo $?');
    expect(stdout).toBe('1\n');
  });
});

describe('ctr build --build-context with images [E]', () => {
  const Dockerfile = 'FROM mine\nCOPY --from=mine /srv/same /copied\nCMD ["cat", "/copied"]';
  const run = (image: string) => bed.ctr('run', '--rm', '--network=none', image);

  promise('oci-layout://: by tag, by digest, or the only one', async () => {
    expect(await build('-t', 'inlayout')).toMatchObject({ code: 0 });
    await bed.ctr('push', 'localhost/inlayout', `oci:${bed.home}/layout:one`);
    const { manifests } = await json('cat layout/index.json');
    for (const [at, place] of ['layout:one', `layout@${manifests[0].digest}`, 'layout'].entries()) {
      const context = `mine=oci-layout://${bed.home}/${place}`;
      expect(await buildFiles({ Dockerfile }, '--build-context', context, '-t', `from:${at}`)).toMatchObject({
        code: 0,
      });
      expect((await run(`localhost/from:${at}`)).stdout).toBe('app\n');
    }
    const missing = await buildFiles({ Dockerfile }, '--build-context', `mine=oci-layout://${bed.home}/layout:two`);
    expect(missing).toMatchObject({ code: 125, stderr: expect.stringContaining('has no image two') });
  });

  promise('docker-image://: an image of the store or a registry in the place of a name', async () => {
    const context = 'mine=docker-image://localhost/inlayout';
    expect(await buildFiles({ Dockerfile }, '--build-context', context, '-t', 'named')).toMatchObject({ code: 0 });
    expect((await run('localhost/named')).stdout).toBe('app\n');
  });
});
