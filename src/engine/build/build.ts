/** `ctr build`: Dockerfile → plan → stages → image and outputs. */
import { writeFileSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { parseDockerfile } from '../../build/parse-dockerfile.ts';
import { planBuild } from '../../build/plan-build.ts';
import { formatPlatform, hostPlatform } from '../../oci/platform.ts';
import { lockWhenFree, storeLockOf } from '../../storage/lock.ts';
import { ensureDataRoot } from '../../storage/roots.ts';
import { chooseStorageDriver } from '../storage-driver.ts';
import { idMapsFor, ownerKindFor } from '../user-namespace.ts';
import { Autopsy, type FailedStep } from './autopsy.ts';
import type { BuildWatch } from './build-events.ts';
import type { BuildRequest } from './build-request.ts';
import type { Build, StageState } from './build-state.ts';
import { BuildWorker } from './build-worker-client.ts';
import { CacheImport } from './cache-import.ts';
import { openContexts } from './contexts.ts';
import { type BuiltImage, exportImage } from './export-image.ts';
import { lintPlan } from './lint-plan.ts';
import { Scratch } from './scratch.ts';
import { SshAgents } from './ssh-agents.ts';
import { stageState } from './stage.ts';
import { Turns } from './turns.ts';

export interface BuildDeps {
  readonly watch: BuildWatch;
  readonly signal: AbortSignal;
  readonly now: Date;
  write(bytes: Uint8Array): void;
  /** Called when a RUN has failed and everything else has stopped; the step's files go when it returns. */
  readonly lookAtFailed?: (step: FailedStep) => Promise<void>;
}

/** Returns the image; undefined when only its files were wanted. */
export async function buildImage(host: Host, request: BuildRequest, deps: BuildDeps): Promise<BuiltImage | undefined> {
  const built = await buildLocked(host, request, deps);
  if (built) await (await import('../size-policy.ts')).keepToMaxSize(host, [built.image.id]);
  return built;
}

async function buildLocked(host: Host, request: BuildRequest, deps: BuildDeps): Promise<BuiltImage | undefined> {
  ensureDataRoot(host);
  // What is made or found is referred to by nothing until the image is recorded.
  using _store = await lockWhenFree(storeLockOf(host), 'shared', { signal: deps.signal });
  const worker = new BuildWorker(host);
  const scratch = new Scratch(host, worker);
  const ssh = new SshAgents(host, request.ssh, scratch);
  const { watch, signal } = deps;
  const cache = new CacheImport(host, request, { signal, warn: (message) => watch.warning(message) });
  try {
    const build = await prepare(host, request, deps, { worker, scratch, ssh, cache });
    const state = await runStages(build).finally(() => deps.lookAtFailed && build.autopsy?.perform(deps.lookAtFailed));
    return await deliver(build, state, deps);
  } finally {
    await cache.close();
    await ssh.close();
    await scratch.remove();
    await worker.close();
  }
}

async function prepare(
  host: Host,
  request: BuildRequest,
  { watch, signal, now, lookAtFailed }: BuildDeps,
  tools: Pick<Build, 'worker' | 'scratch' | 'ssh' | 'cache'>,
): Promise<Build> {
  const contexts = await openContexts(request, { host, ...tools, signal });
  const buildPlatform = formatPlatform(hostPlatform());
  const [platform = buildPlatform, ...more] = request.platforms;
  if (more.length > 0) {
    throw new CtrError('UNSUPPORTED', 'one build makes the image of one platform', {
      hint: 'build each with --platform, then `ctr manifest create` and `ctr manifest add`',
    });
  }
  const dockerfile = parseDockerfile(contexts.dockerfile.text, { fileName: contexts.dockerfile.name });
  const plan = planBuild(dockerfile, {
    ...{ target: request.target, buildArgs: request.buildArgs, platform, buildPlatform },
    contexts: Object.keys(request.contexts),
  });
  const { warnings, isFatal } = lintPlan(host, plan, contexts.main.ignore);
  for (const { rule, message, source } of warnings) watch.warning(`${source.file}:${source.line}: ${rule}: ${message}`);
  if (isFatal) {
    throw new CtrError('INVALID', 'the build checks found something, and the Dockerfile says check=error=true', {
      hint: 'see `ctr build --check`',
    });
  }
  const build: Build = {
    ...{ host, request, plan, platform, contexts, watch, signal, ...tools },
    turns: new Turns(request.jobs),
    ownerKind: ownerKindFor(idMapsFor(host)),
    driver: chooseStorageDriver(host).driver,
    beganAt: now,
    autopsy: lookAtFailed && new Autopsy(),
    stages: new Map(),
    stateOf(index) {
      return stageState(this, index);
    },
    steps: { count: 0 },
  };
  return build;
}

/** Every stage that the target needs begins at once; each waits where it needs another. The first failure ends all. */
async function runStages(build: Build): Promise<StageState> {
  const aborting = new AbortController();
  const signal = AbortSignal.any([build.signal, aborting.signal]);
  const guarded = { ...build, signal };
  const running = build.plan.stages.map(({ index }) => stageState(guarded, index));
  try {
    await Promise.all(running);
  } catch (error) {
    aborting.abort(error);
    await Promise.allSettled(guarded.stages.values());
    throw error;
  }
  return stageState(guarded, build.plan.target.index);
}

async function deliver(build: Build, state: StageState, deps: BuildDeps): Promise<BuiltImage | undefined> {
  const { request } = build;
  const files = request.outputs.filter(({ type }) => type === 'local' || type === 'tar');
  if (files.length > 0) {
    const { exportFiles } = await import('./export-files.ts');
    for (const output of files) await exportFiles(build, state, output, deps.write);
  }
  if (files.length > 0 && files.length === request.outputs.length && request.names.length === 0) return undefined;
  const finished = request.squash === 'no' ? state : await squashed(build, state);
  const built = await exportImage(build, finished);
  const copies = request.outputs.filter(({ type }) => type === 'oci' || type === 'docker');
  if (copies.length > 0 || request.push) {
    const { exportCopies } = await import('./export-copies.ts');
    await exportCopies(build, built, deps.write);
  }
  if (request.cacheTo.length > 0) {
    const { exportCaches } = await import('./cache-export.ts');
    await exportCaches([{ build, state }]);
  }
  if (request.iidFile !== undefined) writeFileSync(request.iidFile, built.image.id);
  if (request.metadataFile !== undefined) writeFileSync(request.metadataFile, metadataOf(build, built));
  return built;
}

async function squashed(build: Build, state: StageState): Promise<StageState> {
  const { squash } = await import('./squash.ts');
  return squash(build, state);
}

/** As docker-buildx-build(1) --metadata-file. */
function metadataOf({ request }: Build, { image, manifest }: BuiltImage): string {
  const metadata = {
    'containerimage.config.digest': image.id,
    'containerimage.descriptor': manifest,
    'containerimage.digest': manifest.digest,
    ...(request.names.length > 0 ? { 'image.name': request.names.join(',') } : {}),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
