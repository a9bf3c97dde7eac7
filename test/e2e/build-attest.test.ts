/** `ctr build --provenance`, `--sbom`, `--attest`: what an index says of its images (docs/build.md "Attestations"). */

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { makeContext } from '../support/context.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
let name: string;
const promise = needs('registry', 'skopeo', 'podman', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed({ podman: true });
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
  makeContext(bed, 'context', context);
  name = `${bed.registryHost}/attested:1`;
});
afterAll(() => bed?.close());

const context = {
  Dockerfile: [
    'FROM localhost/base',
    'ARG COLOUR=red',
    'COPY status /var/lib/dpkg/status',
    'COPY os-release /etc/os-release',
    'RUN --mount=type=secret,id=key cat /run/secrets/key >/dev/null && echo $COLOUR >/colour',
    'CMD ["cat", "/colour"]',
  ].join('\n'),
  status: 'Package: libdemo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n',
  'os-release': 'ID=debian\nVERSION_ID="12"\n',
  key: 'BURIED-TREASURE',
};
const flags = ['--network=none', '--secret', 'id=key,src=context/key', '--build-arg', 'COLOUR=blue'];
const build = (...more: readonly string[]) => bed.ctr('build', '-q', ...flags, ...more, 'context');

/** The layout of what was built: index → entries → documents. */
async function layoutOf(...more: readonly string[]) {
  await bed.sh('rm -rf layout && mkdir layout');
  const built = await build('-o', 'type=oci,dest=layout.tar', ...more);
  expect(built).toMatchObject({ code: 0 });
  await bed.sh('tar -C layout -xf layout.tar');
  const read = async (digest: string) =>
    JSON.parse((await bed.sh(`cat layout/blobs/${digest.replace(':', '/')}`)).stdout);
  const top = JSON.parse((await bed.sh('cat layout/index.json')).stdout).manifests[0];
  return { top, index: await read(top.digest), read };
}

async function statementsOf(...more: readonly string[]) {
  const { top, index, read } = await layoutOf(...more);
  const [image, attestation] = index.manifests;
  const manifest = await read(attestation.digest);
  const statements = await Promise.all(manifest.layers.map(({ digest }: { digest: string }) => read(digest)));
  return { top, image, attestation, manifest, statements };
}

describe('ctr build --provenance, --sbom [E]', () => {
  promise('none unless asked for', async () => {
    const { index } = await layoutOf('-t', 'plain');
    expect(index.layers).toBeDefined();
    expect((await layoutOf('--provenance=false', '--sbom=false')).index.layers).toBeDefined();
  });

  promise('are statements about the image, in a manifest for no platform beside it', async () => {
    const { image, attestation, manifest, statements } = await statementsOf(
      '-t',
      'app:1',
      '--attest=type=sbom',
      '--provenance=true',
    );
    expect(image.platform).toEqual({ os: 'linux', architecture: 'amd64' });
    expect(attestation.platform).toEqual({ os: 'unknown', architecture: 'unknown' });
    expect(attestation.annotations).toEqual({
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    });
    const types = manifest.layers.map(({ annotations }: { annotations: object }) => Object.values(annotations)[0]);
    expect(types).toEqual(['https://spdx.dev/Document', 'https://slsa.dev/provenance/v1']);
    for (const [at, statement] of statements.entries()) {
      expect(statement.predicateType).toBe(types[at]);
      expect(statement.subject).toEqual([
        { name: 'pkg:docker/app@1?platform=linux%2Famd64', digest: { sha256: image.digest.slice(7) } },
      ]);
    }
  });

  promise(
    'provenance: mode=min names the base image, mode=max the arguments and the Dockerfile; never a secret',
    async () => {
      const [min] = (await statementsOf('--provenance=mode=min')).statements;
      const dependency = min.predicate.buildDefinition.resolvedDependencies[0];
      expect(dependency.uri).toBe('pkg:docker/base@latest?platform=linux%2Famd64'.replace('base', 'localhost/base'));
      expect(JSON.stringify(min)).not.toMatch(/blue|COLOUR/);
      const [max] = (await statementsOf('--provenance=mode=max')).statements;
      expect(max.predicate.buildDefinition.externalParameters).toMatchObject({
        buildArgs: { COLOUR: 'blue' },
        secrets: [{ id: 'key' }],
        configSource: { path: 'Dockerfile' },
      });
      expect(max.predicate.buildDefinition.internalParameters.dockerfile.content).toBe(context.Dockerfile);
      expect(JSON.stringify(max)).not.toContain('TREASURE');
    },
  );

  promise('sbom: the packages of the image’s databases, or its files', async () => {
    const [{ predicate }] = (await statementsOf('--sbom=true', '-t', 'app:1')).statements;
    expect(predicate).toMatchObject({ spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'app:1' });
    expect(predicate.packages[1]).toMatchObject({
      name: 'libdemo',
      versionInfo: '1.0-1',
      externalRefs: [{ referenceLocator: 'pkg:deb/debian/libdemo@1.0-1?arch=amd64&distro=debian-12' }],
    });
    makeContext(bed, 'bare', { Dockerfile: 'FROM scratch\nCOPY --chown=5:6 --chmod=600 f /dir/f', f: 'content' });
    await bed.sh('rm -rf layout && mkdir layout');
    await bed.ctr('build', '-q', '--sbom=true', '-o', 'type=oci,dest=bare.tar', 'bare');
    const found = await bed.sh(
      'tar -C layout -xf bare.tar && grep -l SPDXRef-DOCUMENT layout/blobs/sha256/* | xargs cat',
    );
    const { files } = JSON.parse(found.stdout).predicate;
    expect(files).toMatchObject([{ fileName: './dir/f', checksums: [{ algorithm: 'SHA1' }, { algorithm: 'SHA256' }] }]);
    const wanted = (await bed.sh('sha1sum bare/f; sha256sum bare/f')).stdout;
    for (const { checksumValue } of files[0].checksums) expect(wanted).toContain(checksumValue);
  });

  promise('the same build has the same index, attestations and all', async () => {
    const first = await layoutOf('--provenance=mode=max', '--sbom=true');
    const second = await layoutOf('--provenance=mode=max', '--sbom=true', '--no-cache');
    expect(second.top.digest).toBe(first.top.digest);
  });

  promise('an index with them is pulled and run by its platform: by ctr, podman and skopeo', async () => {
    expect(await build('-t', name, '--push', '--provenance=true', '--sbom=true')).toMatchObject({ code: 0 });
    const index = JSON.parse((await bed.sh(`skopeo inspect --raw docker://${name}`)).stdout);
    expect(index.manifests).toHaveLength(2);
    expect(index.manifests[1].annotations['vnd.docker.reference.digest']).toBe(index.manifests[0].digest);
    expect((await bed.ctr('run', '--rm', '--network=none', name)).stdout).toBe('blue\n');
    expect((await bed.podman('run', '--rm', '-q', '--network=none', name)).stdout).toBe('blue\n');
    expect(
      (await bed.sh(`skopeo copy -q --all docker://${name} dir:all && skopeo copy -q docker://${name} dir:one`)).code,
    ).toBe(0);
    const other = await openBed();
    try {
      expect((await other.ctr('run', '--rm', '-q', '--network=none', name)).stdout).toBe('blue\n');
      makeContext(other, 'from', { Dockerfile: `FROM ${name}\nRUN cat /colour` });
      expect(await other.ctr('build', '--network=none', 'from')).toMatchObject({ code: 0 });
    } finally {
      await other.close();
    }
  });

  promise('refuses what it cannot say', async () => {
    for (const [flag, reason] of [
      ['--sbom=generator=docker/scanner', 'no scanner is run'],
      ['--provenance=version=v0.2', 'version=v1 only'],
      ['--attest=type=vex', 'type=provenance or type=sbom'],
      ['--provenance=mode=mid', 'mode=min or mode=max'],
    ] as const) {
      expect(await build(flag)).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    }
    expect(await build('--sbom=true', '--format=docker')).toMatchObject({ code: 125 });
  });
});
