/** `ctr build --platform a,b`: one index, foreign images, what runs where (docs/build.md "Several platforms"). */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { programFor } from '../../src/linux/foreign-program.ts';
import { type Bed, openBed } from '../support/bed.ts';
import { type ContextFiles, makeContext } from '../support/context.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
});
afterAll(() => bed?.close());

const both = 'linux/amd64,linux/arm64';
const build = (files: ContextFiles, ...flags: readonly string[]) =>
  bed.ctr('build', '--network', 'none', ...flags, makeContext(bed, 'context', files));

/** The foreign stages only copy; what is run, is run by this machine. */
const cross = {
  Dockerfile: [
    'FROM --platform=$BUILDPLATFORM localhost/base AS tools',
    'RUN echo made >/tool && date +%N >>/tool',
    'FROM --platform=$BUILDPLATFORM localhost/base AS compile',
    'ARG TARGETPLATFORM TARGETARCH BUILDPLATFORM',
    'COPY --from=tools /tool /tool',
    'RUN echo $TARGETPLATFORM on $BUILDPLATFORM >/for-$TARGETARCH',
    'FROM scratch',
    'COPY --from=compile /for-* /tool /',
  ].join('\n'),
};

const indexOf = async (name: string) => JSON.parse((await bed.ctr('manifest', 'inspect', name)).stdout);
const platformsOf = (index: { manifests: Array<{ platform: { os: string; architecture: string } }> }) =>
  index.manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`);

describe('ctr build --platform [E]', () => {
  promise('makes an index of an image for each platform; what does not depend on it is run once', async () => {
    const built = await build(cross, '--platform', both, '-t', 'multi', '--no-cache');
    expect(built).toMatchObject({ code: 0 });
    expect(built.stderr).toContain('[linux/arm64 compile 3/3]');
    expect(platformsOf(await indexOf('localhost/multi'))).toEqual(['linux/amd64', 'linux/arm64']);
    // tools is the same for both: RUN, COPY into compile; RUN of compile is not, nor the last COPY.
    expect(built.stderr.match(/DONE/g)).toHaveLength(6);
    expect(built.stderr.match(/CACHED/g)).toHaveLength(2);
  });

  promise('writes the files of each platform into its own directory', async () => {
    await build(cross, '--platform', both, '-o', `${bed.home}/files`);
    const shown = await bed.sh('cat files/linux_amd64/for-amd64 files/linux_arm64/for-arm64');
    expect(shown.stdout).toBe('linux/amd64 on linux/amd64\nlinux/arm64 on linux/amd64\n');
    await build(cross, '--platform', both, '-o', 'type=tar,dest=files.tar');
    expect((await bed.sh('tar -tf files.tar | sort')).stdout).toContain('linux_arm64/for-arm64');
  });

  promise(
    'pushes the index; another tool chooses from it; a build elsewhere begins from each of its images',
    async () => {
      const name = `${bed.registryHost}/multi:1`;
      const flags = ['--platform', both, '-t', name, '--push', '--metadata-file', 'meta.json', '--iidfile', 'id'];
      expect(await bed.ctr('build', '--network', 'none', ...flags, 'context')).toMatchObject({ code: 0 });
      const raw = await bed.sh(`skopeo inspect --raw --tls-verify=false docker://${name}`);
      expect(platformsOf(JSON.parse(raw.stdout))).toEqual(['linux/amd64', 'linux/arm64']);
      const { stdout } = await bed.sh(
        `skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://${name}; cat id`,
      );
      const meta = JSON.parse((await bed.sh('cat meta.json')).stdout);
      expect(stdout).toBe(`${meta['containerimage.digest']}\n${meta['containerimage.digest']}`);
      expect(meta['containerimage.config.digest']).toBeUndefined();

      expect((await bed.sh('ctr image inspect -f {{.Architecture}} $(cat id)')).stdout).toBe('amd64\n');

      const other = await openBed();
      try {
        const Dockerfile = `FROM ${name}\nARG TARGETARCH\nCOPY --from=${name} /for-$TARGETARCH /again`;
        makeContext(other, 'context', { Dockerfile });
        const built = await other.ctr('build', '--platform', both, '-o', `${other.home}/out`, 'context');
        expect(built).toMatchObject({ code: 0 });
        expect((await other.sh('cat out/linux_arm64/again')).stdout).toBe('linux/arm64 on linux/amd64\n');
      } finally {
        await other.close();
      }
    },
  );

  promise('what a name stands for stays whole: after a prune it is pushed, built from and saved', async () => {
    await build(cross, '--platform', both, '-t', 'kept');
    expect(await bed.ctr('image', 'prune', '-f')).toMatchObject({ code: 0 });
    expect(await bed.ctr('builder', 'prune', '-f')).toMatchObject({ code: 0 });
    expect(await bed.ctr('system', 'check')).toMatchObject({ code: 0 });
    expect(await bed.ctr('push', 'localhost/kept', `oci:${bed.home}/layout:kept`)).toMatchObject({ code: 0 });
    const { stdout } = await bed.sh('skopeo inspect --raw oci:layout:kept');
    expect(platformsOf(JSON.parse(stdout))).toEqual(['linux/amd64', 'linux/arm64']);
    const again = await build({ Dockerfile: 'FROM localhost/kept\nENV A=1' }, '--platform', 'linux/arm64', '-t', 'arm');
    expect(again).toMatchObject({ code: 0 });
    expect((await bed.ctr('image', 'inspect', '-f', '{{.Architecture}}', 'localhost/arm')).stdout).toBe('arm64\n');
    await bed.ctr('tag', 'localhost/kept', 'localhost/alias');
    await bed.ctr('rmi', 'localhost/kept');
    expect(platformsOf(await indexOf('localhost/alias'))).toEqual(['linux/amd64', 'linux/arm64']);
  });

  promise('type=oci holds the index; type=docker cannot', async () => {
    await build(cross, '--platform', both, '-o', 'type=oci,dest=multi.tar,name=multi');
    const { stdout } = await bed.sh('skopeo inspect --raw oci-archive:multi.tar:multi');
    expect(platformsOf(JSON.parse(stdout))).toEqual(['linux/amd64', 'linux/arm64']);
    const refused = await build(cross, '--platform', both, '-o', 'type=docker,dest=x.tar');
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('holds one platform') });
  });

  promise('the cache that is written has the steps for every platform', async () => {
    await build(cross, '--platform', both, '--cache-to', 'type=local,dest=steps,mode=max', '-o', 'type=cacheonly');
    const other = await openBed();
    try {
      await other.ctr('pull', '-q', other.image('busybox'));
      await other.ctr('tag', other.image('busybox'), 'localhost/base');
      await bed.sh('chmod 755 . && chmod -R a+rX steps');
      const flags = ['--platform', both, '--cache-from', `type=local,src=${bed.home}/steps`, '--provenance=true'];
      const built = await other.ctr(
        'build',
        '--network',
        'none',
        ...flags,
        '-t',
        'multi',
        makeContext(other, 'c', cross),
      );
      expect(built.stderr).not.toContain('DONE');
      const { manifests } = JSON.parse((await other.ctr('manifest', 'inspect', 'localhost/multi')).stdout);
      expect(platformsOf({ manifests })).toEqual(['linux/amd64', 'linux/arm64', 'unknown/unknown', 'unknown/unknown']);
    } finally {
      await other.close();
    }
  });

  promise('in Docker’s format it is a manifest list', async () => {
    await build(cross, '--platform', both, '--format', 'docker', '-t', 'listed');
    const list = await indexOf('localhost/listed');
    expect(list.mediaType).toBe('application/vnd.docker.distribution.manifest.list.v2+json');
    await bed.ctr('push', '-q', 'localhost/listed', `${bed.registryHost}/listed`);
    const { stdout } = await bed.sh(`skopeo inspect --raw --tls-verify=false docker://${bed.registryHost}/listed`);
    expect(JSON.parse(stdout)).toMatchObject({ mediaType: list.mediaType, manifests: [{}, {}] });
  });

  promise('adds the images to a manifest list with --manifest, as podman does', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /' };
    for (const platform of ['linux/arm64', 'linux/riscv64']) {
      expect(await build(files, '--platform', platform, '--manifest', 'list')).toMatchObject({ code: 0 });
    }
    expect(platformsOf(await indexOf('localhost/list'))).toEqual(['linux/arm64', 'linux/riscv64']);
    const pushed = await bed.ctr('manifest', 'push', 'localhost/list', `oci:${bed.home}/list:1`);
    expect(pushed).toMatchObject({ code: 0 });
  });

  promise('annotates the index, each manifest, or one of them', async () => {
    const annotations = ['index:a=1', 'manifest[linux/arm64]:b=2', 'manifest-descriptor:c=3', 'd=4'];
    const flags = annotations.flatMap((text) => ['--annotation', text]);
    await build(cross, '--platform', both, '-o', 'type=oci,dest=noted.tar', '-t', 'noted', ...flags);
    const index = await indexOf('localhost/noted');
    expect(index.annotations).toEqual({ a: '1' });
    expect(index.manifests.map(({ annotations: given }: { annotations: object }) => given)).toEqual([
      { c: '3' },
      { c: '3' },
    ]);
    await bed.sh('mkdir -p noted && tar -C noted -xf noted.tar');
    const read = async ({ digest }: { digest: string }) =>
      JSON.parse((await bed.sh(`cat noted/blobs/${digest.replace(':', '/')}`)).stdout).annotations;
    expect(await read(index.manifests[0])).toEqual({ d: '4' });
    expect(await read(index.manifests[1])).toEqual({ b: '2', d: '4' });
    for (const wrong of ['index:a=1', 'manifest[linux/s390x]:a=1']) {
      expect(await build(cross, '--annotation', wrong)).toMatchObject({ code: 125 });
    }
  });
});

describe('ctr build: RUN of another architecture [E]', () => {
  promise('is refused before anything is run where no handler is registered, and says what helps', async () => {
    const Dockerfile = 'FROM localhost/base AS first\nRUN touch /ran\nFROM scratch\nCOPY --from=first /ran /\nRUN x';
    const refused = await build({ Dockerfile }, '--platform', 'linux/mips64le');
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('qemu-user-static') });
    expect(refused.stderr).toContain('no handler of binfmt_misc runs programs of mips64le here');
    expect(refused.stderr).not.toContain('DONE');
  });

  needs(
    'root',
    'qemu',
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('is run by the handler of binfmt_misc', async () => {
    const release = registerHandler('riscv64');
    try {
      const Dockerfile = 'FROM scratch\nCOPY ends /\nRUN ["/ends"]';
      const ended = (code: number) => ({ Dockerfile, ends: programFor('riscv64', code) ?? '' });
      expect(await build(ended(42), '--platform', 'linux/riscv64')).toMatchObject({ code: 42 });
      expect(await build(ended(0), '--platform', 'linux/riscv64')).toMatchObject({ code: 0 });
    } finally {
      release();
    }
  });
});

/** For programs of RISC-V: e_machine 243. */
function registerHandler(architecture: string): () => void {
  const mount = mkdtempSync(`${tmpdir()}/binfmt-`);
  execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', mount]);
  const hex = (bytes: readonly number[]) => bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const magic = hex([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 243, 0]);
  const name = `ctr-test-${process.pid}`;
  writeFileSync(`${mount}/register`, `:${name}:M::${magic}::/usr/bin/qemu-${architecture}-static:F`);
  return () => {
    writeFileSync(`${mount}/${name}`, '-1');
    execFileSync('umount', [mount]);
    rmdirSync(mount);
  };
}
