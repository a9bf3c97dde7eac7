/** `ctr build`: Dockerfile → a plan for each platform → stages → image and outputs. */
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { parseDockerfile } from '../../build/parse-dockerfile.ts';
import { planBuild } from '../../build/plan-build.ts';
import { replaceBase } from '../../build/replace-base.ts';
import { formatPlatform, hostPlatform } from '../../oci/platform.ts';
import { lockWhenFree, storeLockOf } from '../../storage/lock.ts';
import { ensureDataRoot } from '../../storage/roots.ts';
import { chooseStorageDriver } from '../storage-driver.ts';
import { idMapsFor, ownerKindFor } from '../user-namespace.ts';
import { Autopsy, type FailedStep } from './autopsy.ts';
import type { BuildWatch } from './build-events.ts';
import type { BuildRequest } from './build-request.ts';
import type { Build, Finished } from './build-state.ts';
import { BuildWorker } from './build-worker-client.ts';
import { CacheImport } from './cache-import.ts';
import { checkRequest } from './check-request.ts';
import { openContexts } from './contexts.ts';
import { deliver } from './deliver.ts';
import { Emulation } from './emulation.ts';
import type { BuiltImage } from './export-image.ts';
import { lintPlan } from './lint-plan.ts';
import { isRemote, withoutCredentials } from './remote-address.ts';
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
  checkRequest(request);
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
    const builds = await prepare(host, request, deps, { worker, scratch, ssh, cache });
    const look = async () => deps.lookAtFailed && builds[0]?.autopsy?.perform(deps.lookAtFailed);
    return await deliver(await runStages(builds, signal).finally(look), deps.write);
  } finally {
    await cache.close();
    await ssh.close();
    await scratch.remove();
    await worker.close();
  }
}

/** One build for each platform; they share everything but their plans and stages. */
async function prepare(
  host: Host,
  request: BuildRequest,
  { watch, signal, now, lookAtFailed }: BuildDeps,
  tools: Pick<Build, 'worker' | 'scratch' | 'ssh' | 'cache'>,
): Promise<Build[]> {
  const contexts = await openContexts(request, { host, ...tools, signal });
  const buildPlatform = formatPlatform(hostPlatform());
  const platforms = request.platforms.length > 0 ? request.platforms : [buildPlatform];
  const dockerfile = replaceBase(
    parseDockerfile(contexts.dockerfile.text, { fileName: contexts.dockerfile.name }),
    request.from,
  );
  const plans = platforms.map((platform) =>
    planBuild(dockerfile, {
      ...{ target: request.target, buildArgs: request.buildArgs, platform, buildPlatform },
      contexts: Object.keys(request.contexts),
    }),
  );
  const findings = plans.slice(0, 1).map((plan) => lintPlan(host, plan, contexts.main.ignore));
  for (const { rule, message, source } of findings.flatMap(({ warnings }) => warnings)) {
    watch.warning(`${source.file}:${source.line}: ${rule}: ${message}`);
  }
  if (findings.some(({ isFatal }) => isFatal)) {
    throw new CtrError('INVALID', 'the build checks found something, and the Dockerfile says check=error=true', {
      hint: 'see `ctr build --check`',
    });
  }
  const shared = {
    ...{ host, request, contexts, watch, signal, ...tools },
    turns: new Turns(request.jobs),
    ownerKind: ownerKindFor(idMapsFor(host)),
    driver: chooseStorageDriver(host).driver,
    beganAt: now,
    autopsy: lookAtFailed && new Autopsy(),
    steps: { count: 0 },
    made: new Map(),
    emulation: new Emulation(host),
  };
  // With a cache of others, a RUN for another platform may never have to run here.
  if (request.cacheFrom.length === 0) for (const plan of plans) shared.emulation.check(plan, plan.options.platform);
  return plans.map((plan): Build => {
    const { platform } = plan.options;
    return {
      ...{ ...shared, plan, platform, label: plans.length > 1 ? `${platform} ` : '' },
      stages: new Map(),
      materials: materialsOf(request),
      stateOf(index) {
        return stageState(this, index);
      },
    };
  });
}

/** A local directory has no address. */
function materialsOf({ context }: BuildRequest): Build['materials'] {
  return new Map(isRemote(context) ? [[withoutCredentials(context), undefined]] : []);
}

/** Every stage that a target needs begins at once; each waits where it needs another. The first failure ends all. */
async function runStages(builds: readonly Build[], given: AbortSignal): Promise<Finished[]> {
  const aborting = new AbortController();
  const signal = AbortSignal.any([given, aborting.signal]);
  const guarded = builds.map((build): Build => ({ ...build, signal }));
  try {
    await Promise.all(guarded.flatMap((build) => build.plan.stages.map(({ index }) => stageState(build, index))));
  } catch (error) {
    aborting.abort(error);
    await Promise.allSettled(guarded.flatMap(({ stages }) => [...stages.values()]));
    throw error;
  }
  const finished = guarded.map(async (build) => ({ build, state: await stageState(build, build.plan.target.index) }));
  return Promise.all(finished);
}
