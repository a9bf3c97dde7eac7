/** Work on registries that needs no stored image: copies between places, tags, lists for several platforms. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['busybox', 'manylayers'] });
});
afterAll(() => bed?.close());

const raw = async (location: string) => (await bed.sh(`skopeo inspect --tls-verify=false --raw ${location}`)).stdout;
const repository = (name: string) => `${bed.registryHost}/${name}`;

describe('ctr image copy [E]', () => {
  promise('goes round through every kind of place; what can stay the same stays', async () => {
    const start = `docker://${bed.image('busybox')}`;
    const places = [
      'oci:./layout:it',
      'oci-archive:./it.tar:it',
      'dir:./dir',
      `docker://${repository('round/trip:1')}`,
    ];
    let from = start;
    for (const to of places) {
      expect(await bed.ctr('image', 'copy', '-q', from, to)).toMatchObject({ code: 0, stderr: '' });
      expect(await raw(to.replace('./', ''))).toBe(await raw(start));
      from = to;
    }
    expect(await bed.ctr('image', 'copy', '-q', from, 'docker-archive:./d.tar:it/is:1')).toMatchObject({ code: 0 });
    expect(await raw('docker-archive:d.tar:it/is:1')).toContain('schemaVersion');
    expect(
      await bed.ctr('image', 'copy', '-q', 'docker-archive:./d.tar', `docker://${repository('round/trip:2')}`),
    ).toMatchObject({ code: 0 });
    expect((await bed.ctr('images', '-q')).stdout).toBe('');
    expect(await bed.ctr('image', 'copy', 'alpine', 'oci:./x')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('a transport is missing'),
    });
  });
});

describe('ctr manifest [E]', () => {
  promise('makes a list of two platforms, which others pull from by platform', async () => {
    await bed.ctr('pull', '-q', bed.image('busybox'));
    const arm = bed.file('rootfs.sh', 'rm -rf d && mkdir d && echo arm > d/platform && tar -cf arm.tar -C d .\n');
    await bed.sh(`sh ${arm}`);
    await bed.ctr('import', '--arch', 'arm64', 'arm.tar', 'localhost/arm:1');
    const list = repository('multi/app:1');
    expect(await bed.ctr('manifest', 'create', list, bed.image('busybox'))).toMatchObject({ code: 0 });
    expect(await bed.ctr('manifest', 'create', list)).toMatchObject({ code: 125 });
    const add = ['manifest', 'add', '--variant', 'v8', '--annotation', 'a=b', list, 'localhost/arm:1'];
    expect(await bed.ctr(...add)).toMatchObject({ code: 0 });
    const pushed = await bed.ctr('manifest', 'push', '-q', list);
    expect(pushed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
    const index = JSON.parse(await raw(`docker://${list}`));
    expect(index.manifests.map((one: { platform: object }) => one.platform)).toEqual([
      { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
    ]);
    expect(await bed.sh(`skopeo --override-arch arm64 inspect --tls-verify=false docker://${list}`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"Architecture": "arm64"'),
    });
    expect(await bed.ctr('manifest', 'exists', list)).toMatchObject({ code: 0 });
    await bed.ctr('rmi', '--all', '--force');
    expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0 });
    expect(await bed.ctr('manifest', 'push', '-q', list, repository('multi/again:1'))).toMatchObject({ code: 0 });
    expect(await raw(`docker://${repository('multi/again:1')}`)).toBe(await raw(`docker://${list}`));
    expect(await bed.ctr('manifest', 'annotate', '--index', '--annotation', 'of=list', list)).toMatchObject({
      code: 0,
    });
    const old = repository('multi/old:1');
    expect(await bed.ctr('manifest', 'push', '-q', '--format', 'v2s2', '--purge', list, old)).toMatchObject({
      code: 0,
    });
    expect(await bed.ctr('manifest', 'exists', list)).toMatchObject({ code: 1 });
    const kinds = JSON.parse(await raw(`docker://${old}`)).manifests.map((one: { mediaType: string }) => one.mediaType);
    expect(new Set(kinds)).toEqual(new Set(['application/vnd.docker.distribution.manifest.v2+json']));
    expect(await bed.ctr('manifest', 'create', '--annotation', 'c=d', list)).toMatchObject({ code: 0 });
    expect(JSON.parse((await bed.ctr('manifest', 'inspect', list)).stdout).annotations).toEqual({ c: 'd' });
    expect(await bed.ctr('manifest', 'rm', list)).toMatchObject({ code: 0 });
    expect(await bed.ctr('manifest', 'exists', list)).toMatchObject({ code: 1 });

    const copied = await bed.ctr('image', 'copy', '-q', '--all', `docker://${list}`, 'oci:./multi:1');
    expect(copied).toMatchObject({ code: 0 });
    expect(await raw('oci:multi:1')).toBe(await raw(`docker://${list}`));
    expect(await bed.ctr('pull', '-q', '--platform', 'linux/arm64', list)).toMatchObject({ code: 0 });
    expect(await bed.ctr('image', 'inspect', '-f', '{{.Architecture}}', list)).toMatchObject({ stdout: 'arm64\n' });
  });
});

describe('ctr artifact [E]', () => {
  promise('carries files, finds them by the image they belong to, and takes no way out of the directory', async () => {
    const app = repository('with/sbom:1');
    await bed.ctr('image', 'copy', '-q', `docker://${bed.image('busybox')}`, `docker://${app}`);
    bed.file('sbom.json', '{"packages":[]}');
    const type = ['--type', 'application/spdx+json', '--subject', app];
    const pushed = await bed.ctr('artifact', 'push', ...type, repository('with/sbom:files'), 'sbom.json');
    expect(pushed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sha256:/) });
    expect(JSON.parse(await raw(`docker://${repository('with/sbom:files')}`))).toMatchObject({
      artifactType: 'application/spdx+json',
      subject: { size: expect.any(Number) },
    });
    expect(await bed.ctr('artifact', 'pull', '-o', 'got', repository('with/sbom:files'))).toMatchObject({
      code: 0,
      stdout: 'sbom.json\n',
    });
    expect((await bed.sh('cat got/sbom.json')).stdout).toBe('{"packages":[]}');
    expect(await bed.ctr('artifact', 'pull', '-o', 'got', repository('with/sbom:files'))).toMatchObject({ code: 125 });
    expect(await bed.ctr('artifact', 'ls', '--format', '{{.Digest}} {{.ArtifactType}}', app)).toMatchObject({
      code: 0,
      stdout: `${pushed.stdout.trim()} application/spdx+json\n`,
    });
    expect(await bed.ctr('pull', '-q', repository('with/sbom:files'))).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('is an artifact'),
    });

    await bed.ctr('image', 'copy', '-q', `docker://${repository('with/sbom:files')}`, 'dir:./a');
    await bed.sh("sed -i 's|sbom.json|../outside|' a/manifest.json");
    await bed.ctr('image', 'copy', '-q', 'dir:./a', `docker://${repository('with/sbom:hostile')}`);
    const refused = await bed.ctr('artifact', 'pull', '-o', 'got', repository('with/sbom:hostile'));
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('that is no file name') });
  });
});

describe('ctr search, ctr list-tags [E]', () => {
  promise('show what a registry has', async () => {
    const found = await bed.ctr('search', '--format', '{{.Name}}', `${bed.registryHost}/manylay`);
    expect(found.stdout).toBe(`${repository('manylayers')}\n`);
    const tags = await bed.ctr('list-tags', `docker://${repository('busybox')}`);
    expect(JSON.parse(tags.stdout)).toEqual({ Repository: repository('busybox'), Tags: ['latest'] });
    expect(await bed.ctr('list-tags', repository('no/such'))).toMatchObject({ code: 125 });
  });
});
