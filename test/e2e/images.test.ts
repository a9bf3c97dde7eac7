/** Images leave and come back: registries, archives and layouts, in both directions with skopeo and podman. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { missing, needs } from '../support/needs.ts';
import { digestOf } from '../support/oci-image.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const withPodman = needs('registry', 'skopeo', 'busybox', 'podman', 'subordinate-ids');
let bed: Bed;
beforeAll(async () => {
  const podman = missing('podman') === undefined;
  bed = await openBed({ images: ['busybox', 'manylayers'], podman });
  await bed.ctr('pull', '-q', bed.image('busybox'));
});
afterAll(() => bed?.close());

/** The bytes of a manifest, told by skopeo. */
const raw = async (location: string) => {
  const { stdout } = await bed.sh(`skopeo inspect --tls-verify=false --raw ${location}`);
  return stdout;
};
const idOf = async (name: string) => (await bed.ctr('image', 'inspect', '--format', '{{.Id}}', name)).stdout.trim();
const podmanIdOf = async (name: string) =>
  (await bed.podman('image', 'inspect', '--format', '{{.Id}}', name)).stdout.trim();
const says = (image: string) => bed.ctr('run', '--rm', '-q', '--network', 'none', image, 'echo', 'whole');
const whole = { code: 0, stdout: 'whole\n' };
const repository = (name: string) => `${bed.registryHost}/${name}`;

describe('ctr push [E]', () => {
  promise('sends what was pulled byte by byte: the digest is the same', async () => {
    const outcome = await bed.ctr('push', '--digestfile', 'digest', bed.image('busybox'), repository('push/same:1'));
    expect(outcome).toMatchObject({ code: 0 });
    const before = await raw(`docker://${bed.image('busybox')}`);
    expect(await raw(`docker://${repository('push/same:1')}`)).toBe(before);
    expect(readFileSync(`${bed.home}/digest`, 'utf8')).toBe(digestOf(Buffer.from(before)));
  });

  promise('compresses by zstd when told, and pulls that again', async () => {
    const name = repository('push/zstd:1');
    expect(await bed.ctr('push', '-q', '--compression-format', 'zstd', bed.image('busybox'), name)).toMatchObject({
      code: 0,
    });
    expect(await raw(`docker://${name}`)).toContain('application/vnd.oci.image.layer.v1.tar+zstd');
    expect(await bed.ctr('pull', '-q', name)).toMatchObject({ code: 0 });
    expect(await says(name)).toMatchObject(whole);
  });

  promise('writes Docker’s schema 2 when told; the image ID stays', async () => {
    const name = repository('push/v2s2:1');
    expect(await bed.ctr('push', '-q', '--format', 'v2s2', bed.image('busybox'), name)).toMatchObject({ code: 0 });
    expect(await raw(`docker://${name}`)).toContain('application/vnd.docker.distribution.manifest.v2+json');
    await bed.ctr('pull', '-q', name);
    expect(await idOf(name)).toBe(await idOf(bed.image('busybox')));
    expect(await bed.ctr('push', '-q', '--format', 'v2s2', '--compression-format', 'zstd', name)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('schema 2 has no zstd'),
    });
  });

  withPodman('gives podman the same image, and takes the same from podman', async () => {
    const [ours, theirs] = [repository('push/ours:1'), repository('push/theirs:1')];
    await bed.ctr('push', '-q', bed.image('busybox'), ours);
    expect(await bed.podman('pull', '-q', ours)).toMatchObject({ code: 0 });
    expect(await podmanIdOf(ours)).toBe(await idOf(bed.image('busybox')));
    expect(await bed.podman('push', '-q', ours, theirs)).toMatchObject({ code: 0 });
    expect(await bed.ctr('pull', '-q', theirs)).toMatchObject({ code: 0 });
    expect(await says(theirs)).toMatchObject(whole);
  });

  promise('sends an image of 150 layers', async () => {
    const name = repository('push/many:1');
    await bed.ctr('pull', '-q', bed.image('manylayers'));
    expect(await bed.ctr('push', '-q', bed.image('manylayers'), name)).toMatchObject({ code: 0 });
    expect(await raw(`docker://${name}`)).toBe(await raw(`docker://${bed.image('manylayers')}`));
  });

  promise('sends every tag of a repository with --all-tags', async () => {
    const name = repository('push/tags');
    for (const tag of ['a', 'b']) await bed.ctr('tag', bed.image('busybox'), `${name}:${tag}`);
    expect(await bed.ctr('push', '-q', '--all-tags', name)).toMatchObject({ code: 0 });
    expect(JSON.parse((await bed.ctr('list-tags', name)).stdout).Tags.sort()).toEqual(['a', 'b']);
    expect(await bed.ctr('push', '--all-tags', `${name}:a`)).toMatchObject({ code: 125 });
    await bed.ctr('rmi', `${name}:a`, `${name}:b`);
  });

  promise('compresses into a dir: with --compress, and refuses with the reason what it cannot do', async () => {
    bed.file('F', 'FROM scratch\nCOPY F /\n');
    await bed.ctr('build', '-q', '-t', 'localhost/plain', '-f', 'F', '.');
    for (const flags of [[], ['--compress']]) {
      expect(await bed.ctr('push', '-q', ...flags, 'localhost/plain', 'dir:./out')).toMatchObject({ code: 0 });
      expect((await raw('dir:out')).includes('+gzip')).toBe(flags.length > 0);
      await bed.sh('rm -r out');
    }
    await bed.ctr('rmi', 'localhost/plain');
    expect(await bed.ctr('push', '--compress', bed.image('busybox'))).toMatchObject({ code: 125 });
    expect(await bed.ctr('push', '--sign-by', 'me', bed.image('busybox'))).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('--sign-by is not supported: images are not signed here'),
    });
  });

  promise('asks where to when an ID has several names, and says what is not there', async () => {
    const id = await idOf(bed.image('busybox'));
    expect(await bed.ctr('push', id)).toMatchObject({ code: 125, stderr: expect.stringContaining('where to?') });
    expect(await bed.ctr('push', 'no/such')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('no/such: image not known'),
    });
  });
});

describe('ctr save and ctr load [E]', () => {
  for (const [format, transport, reference] of [
    ['docker-archive', 'docker-archive', ':it/is:1'],
    ['oci-archive', 'oci-archive', ':it/is:1'],
    ['oci-dir', 'oci', ':it/is:1'],
    ['docker-dir', 'dir', ''],
  ] as const) {
    promise(`${format}: skopeo reads it, and what it was comes back`, async () => {
      const image = bed.image('busybox');
      const [file, copy] = [`save-${format}`, `copy-${format}`];
      expect(await bed.ctr('save', '-q', '--format', format, '-o', file, image)).toMatchObject({ code: 0 });
      const read = await bed.sh(
        `skopeo --insecure-policy copy -q ${transport}:${file} ${transport}:${copy}${reference}`,
      );
      expect(read).toMatchObject({ code: 0, stderr: '' });
      const id = await idOf(image);
      await bed.ctr('rmi', '-f', id);
      expect(await bed.ctr('load', '-q', '-i', file)).toMatchObject({ code: 0 });
      expect(await says(id)).toMatchObject(whole);
      expect(await bed.ctr('load', '-q', '-i', file)).toMatchObject({ code: 0 });
      await bed.ctr('tag', id, image);
    });
  }

  promise('keeps the layers’ bytes in OCI archives: the digest is the same', async () => {
    await bed.ctr('save', '-q', '--format', 'oci-archive', '-o', 'same.tar', bed.image('manylayers'));
    expect(await raw('oci-archive:same.tar')).toBe(await raw(`docker://${bed.image('manylayers')}`));
  });

  promise('takes several images through a pipe, compressed, with their names', async () => {
    const names = [bed.image('busybox'), 'localhost/other:2'];
    await bed.ctr('tag', bed.image('busybox'), 'localhost/other:2');
    const all = [...names, bed.image('manylayers')].join(' ');
    await bed.sh(`ctr save -q ${all} | gzip > both.tar.gz`);
    await bed.ctr('rmi', '--all', '--force');
    const loaded = await bed.sh('ctr load -q < both.tar.gz');
    const lines = [...names, bed.image('manylayers')].map((name) => `Loaded image: ${name}`);
    expect(loaded.stdout.trim().split('\n').sort()).toEqual(lines.sort());
    expect(await says(bed.image('manylayers'))).toMatchObject(whole);
  });

  withPodman('exchanges archives with podman', async () => {
    const image = bed.image('busybox');
    await bed.ctr('save', '-q', '-o', 'ours.tar', image);
    await bed.podman('rmi', '-f', image);
    expect(await bed.podman('load', '-q', '-i', 'ours.tar')).toMatchObject({ code: 0 });
    expect(await podmanIdOf(image)).toBe(await idOf(image));
    for (const format of ['docker-archive', 'oci-archive']) {
      expect(await bed.podman('save', '-q', '--format', format, '-o', `${format}.tar`, image)).toMatchObject({
        code: 0,
      });
      expect(await bed.ctr('load', '-q', '-i', `${format}.tar`)).toMatchObject({
        code: 0,
        stdout: `Loaded image: ${image}\n`,
      });
    }
    expect(await says(image)).toMatchObject(whole);
  });

  promise('refuses what is no image, and a layer that is not what its config says', async () => {
    bed.file('no-image', 'hello');
    expect(await bed.ctr('load', '-i', 'no-image')).toMatchObject({ code: 125 });
    await bed.ctr('save', '-q', '-o', 'tampered.tar', bed.image('busybox'));
    const script =
      'rm -rf t && mkdir t && tar -C t -xf tampered.tar && printf x >> t/$(ls t | grep tar$) && tar -C t -cf tampered.tar .';
    await bed.sh(script);
    await bed.ctr('rmi', '--all', '--force');
    const outcome = await bed.ctr('load', '-q', '-i', 'tampered.tar');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toMatch(/sha256/);
    expect((await bed.ctr('images', '-q')).stdout).toBe('');
    expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0 });
    await bed.ctr('pull', '-q', bed.image('busybox'));
  });
});

describe('ctr import [E]', () => {
  promise('makes an image of a tree, with the changes asked for', async () => {
    await bed.ctr('save', '-q', '-o', 'rootfs.tar', bed.image('busybox'));
    await bed.sh('rm -rf r && mkdir r && tar -C r -xf rootfs.tar');
    const layer = (await bed.sh('ls r/*.tar')).stdout.trim();
    const changes = ['-c', 'CMD ["echo", "from the change"]', '-c', 'ENV A=1 B="two words"', '-m', 'made here'];
    const imported = await bed.ctr('import', '-q', ...changes, layer, 'mine:1');
    expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    expect(await bed.ctr('run', '--rm', '--network', 'none', 'mine:1')).toMatchObject({ stdout: 'from the change\n' });
    expect((await bed.ctr('image', 'inspect', '-f', '{{json .Config.Env}}', 'mine:1')).stdout).toBe(
      '["A=1","B=two words"]\n',
    );
    const piped = await bed.sh(`gzip < ${layer} | ctr import - piped`);
    expect(piped).toMatchObject({ code: 0 });
    expect(await says('piped')).toMatchObject(whole);
    expect(await bed.ctr('import', '-c', 'RUN x', layer)).toMatchObject({ code: 125 });
  });
});

describe('ctr image diff, ctr image tree [E]', () => {
  promise('show what the layers of an image are', async () => {
    await bed.ctr('pull', '-q', bed.image('manylayers'));
    const diff = await bed.ctr('image', 'diff', bed.image('manylayers'));
    expect(diff).toMatchObject({ code: 0, stdout: 'C /level\nC /levels\nA /levels/150\nD /levels/2\n' });
    const tree = await bed.ctr('image', 'tree', bed.image('manylayers'));
    expect(tree.stdout.match(/ID: /g)).toHaveLength(151);
    expect(tree.stdout).toMatch(/Top Layer of: \[.*busybox:latest/);
    await bed.ctr('rmi', bed.image('manylayers'));
  });
});

describe('the store’s space [E]', () => {
  promise('system df adds up to what du says', async () => {
    await bed.ctr('run', '--network', 'none', '-v', 'vol:/v', bed.image('busybox'), 'sh', '-c', 'echo x > /v/x');
    const { stdout } = await bed.ctr('system', 'df', '--format', '{{.RawSize}}');
    const sum = stdout
      .trim()
      .split('\n')
      .map(Number)
      .reduce((total, bytes) => total + bytes, 0);
    const du = await bed.sh(`ctr unshare du -sk ${bed.dataRoot} 2>/dev/null || du -sk ${bed.dataRoot}`);
    expect(sum).toBe(Number(/^\d+/.exec(du.stdout)?.[0]) * 1024);
  });

  promise('system prune takes what is not in use, and nothing else', async () => {
    const keeper = ['run', '-d', '--name', 'keeper', '--network', 'none', bed.image('busybox'), 'sleep', '60'];
    expect(await bed.ctr(...keeper)).toMatchObject({ code: 0 });
    const dry = await bed.ctr('system', 'prune', '--all', '--volumes', '--dry-run');
    expect(dry.stdout).toContain('vol\n');
    expect((await bed.ctr('system', 'prune')).stdout).toContain('[y/N]');
    expect((await bed.ctr('ps', '-aq')).stdout.trim().split('\n').length).toBeGreaterThan(1);
    expect(await bed.ctr('system', 'prune', '--all', '--volumes', '--force')).toMatchObject({ code: 0 });
    expect((await bed.ctr('ps', '-aq')).stdout.trim().split('\n')).toHaveLength(1);
    expect((await bed.ctr('images', '-q')).stdout.trim().split('\n')).toHaveLength(1);
    expect(await bed.ctr('rmi', bed.image('busybox'))).toMatchObject({ code: 2 });
    expect(await bed.ctr('rmi', '--ignore', 'no/such')).toMatchObject({ code: 0 });
    expect(await bed.ctr('rmi', 'no/such')).toMatchObject({ code: 1 });
    expect(await bed.ctr('rmi', '--force', bed.image('busybox'))).toMatchObject({ code: 0 });
    expect((await bed.ctr('ps', '-aq')).stdout).toBe('');
    expect(await bed.ctr('system', 'check', '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
  });
});

describe('gc.maxSize [E]', () => {
  promise('takes the image that was not used for longest, and none that a container has', async () => {
    await bed.ctr('pull', '-q', bed.image('busybox'));
    await bed.ctr('save', '-q', '-o', 'busybox.tar', bed.image('busybox'));
    await bed.ctr('rmi', bed.image('busybox'));
    for (const name of ['held', 'first', 'second']) {
      await bed.sh(`head -c 1000000 /dev/urandom >${name}; tar -cf ${name}.tar ${name}`);
      expect(await bed.ctr('import', '-q', `${name}.tar`, `localhost/${name}:1`)).toMatchObject({ code: 0 });
    }
    await bed.ctr('create', '--name', 'holder', 'localhost/held:1', 'x');
    // The older of the two others is used: it is the younger one then.
    await bed.ctr('create', '--name', 'user', 'localhost/first:1', 'x');
    await bed.ctr('rm', 'user');
    const limit = (size: string) =>
      bed.sh(`mkdir -p .config/ctr; echo 'gc = { maxSize = "${size}" }' >.config/ctr/ctr.toml`);
    await limit('10MB');
    expect(await bed.ctr('load', '-q', '-i', 'busybox.tar')).toMatchObject({ code: 0 });
    const left = async () => {
      const { stdout } = await bed.ctr('images', '--format', '{{.Repository}}');
      return stdout
        .trim()
        .split('\n')
        .sort()
        .map((name) => name.replace(/.*\//, ''));
    };
    expect(await left()).toEqual(['busybox', 'first', 'held']);
    await bed.sh('mkdir context; head -c 1000000 /dev/urandom >context/file');
    bed.file('context/Dockerfile', 'FROM scratch\nCOPY file /\n');
    expect(await bed.ctr('build', '-q', '-t', 'localhost/made', 'context')).toMatchObject({ code: 0 });
    expect(await left()).toEqual(['busybox', 'held', 'made']);
    await limit('much');
    expect((await bed.ctr('load', '-q', '-i', 'busybox.tar')).stderr).toContain('is no size');
    await bed.sh('rm .config/ctr/ctr.toml');
    expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0 });
  });
});
