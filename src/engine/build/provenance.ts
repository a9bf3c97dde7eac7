/**
 * `--provenance`: how the image came about, as SLSA says it (slsa.dev/provenance/v1). No times and no run's number are in
 * it, so that the same build has the same digest. Secrets are named by their ids, proxies not at all.
 */
import { version } from '../../base/version.ts';
import { isProxy } from '../../build/globals.ts';
import { hexOf } from '../../oci/digest.ts';
import type { Build } from './build-state.ts';

export const provenanceType = 'https://slsa.dev/provenance/v1';

export function provenanceOf(build: Build, mode: 'min' | 'max'): object {
  return {
    buildDefinition: {
      buildType: 'urn:ctr:build:dockerfile:v1',
      externalParameters: parametersOf(build, mode),
      internalParameters: {
        builderPlatform: build.plan.options.buildPlatform,
        ...(mode === 'max' ? sourceOf(build) : {}),
      },
      resolvedDependencies: [...build.materials]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([uri, digest]) => ({ uri, ...(digest ? { digest: { sha256: hexOf(digest) } } : {}) })),
    },
    runDetails: {
      builder: { id: 'urn:ctr', version: { ctr: version } },
      metadata: { ctr_completeness: { parameters: mode === 'max', resolvedDependencies: false } },
    },
  };
}

function parametersOf({ request, plan, platform }: Build, mode: 'min' | 'max'): object {
  const shared = {
    configSource: { path: plan.dockerfile.fileName },
    platform,
    ...(request.target === undefined ? {} : { target: request.target }),
  };
  if (mode === 'min') return shared;
  const args = Object.entries(request.buildArgs).filter(([name]) => !isProxy(name));
  return {
    ...shared,
    ...(args.length > 0 ? { buildArgs: Object.fromEntries(args.sort()) } : {}),
    ...(Object.keys(request.labels).length > 0 ? { labels: request.labels } : {}),
    ...(request.secrets.length > 0 ? { secrets: request.secrets.map(({ id }) => ({ id })) } : {}),
  };
}

function sourceOf({ plan }: Build): object {
  return { dockerfile: { name: plan.dockerfile.fileName, content: plan.dockerfile.text } };
}
