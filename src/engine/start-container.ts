/** Start a container that exists: its OCI config, the plan, the launch, the runtime state. */
import { closeSync, existsSync, mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { removeTreeNow } from '../base/remove-tree.ts';
import { identifyProcess } from '../linux/process-identity.ts';
import { seccompFilterFor } from '../linux/seccomp.ts';
import { leaveMemory } from '../ns/heir.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { type Launched, type LaunchRequest, launch } from '../ns/launch.ts';
import { type Plan, planContainer } from '../ns/plan.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { RuntimeConfig } from '../oci/runtime.ts';
import { beginLife } from '../storage/container-life.ts';
import { readState, writeState } from '../storage/container-state.ts';
import { type ContainerRecord, lockContainer } from '../storage/container-store.ts';
import { withDirectoryInLayers } from '../storage/layer-file.ts';
import { layout } from '../storage/layout.ts';
import type { ContainerCgroup } from './cgroups.ts';
import { cleanupProgram } from './cleanup-program.ts';
import { recordContainerEvent } from './container-events.ts';
import { runtimeSpecInput } from './container-facts.ts';
import { containerIds, hasCaller, hasRoot, isRootOther } from './container-ids.ts';
import { type OutputPlan, outputPlanFor } from './container-logging.ts';
import { connectorOf, disconnectNetwork, networkFor } from './container-network.ts';
import { finishLocked } from './finish-container.ts';
import { healthPlanFor } from './healthcheck.ts';
import type { ContainerNetwork } from './network-plan.ts';
import { passwdLines } from './passwd-entry.ts';
import type { PlannedRestart } from './restart-policy.ts';
import { rootfsFor } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import { runtimeSpecFor } from './runtime-spec.ts';
import { secretsFor } from './secrets.ts';
import { fillMemory } from './tmpfs-content.ts';
import { prepareMounts } from './volumes.ts';
import { isUp } from './wait-container.ts';

/** How the container's stdio is connected to this process. */
export interface Connection {
  readonly stdin: LaunchRequest['stdin'];
  readonly output: LaunchRequest['output'];
  readonly tee: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  /** Called while the first process still waits: who connects to the sockets in `directory` now misses no output. */
  readonly listening?: (directory: string) => void;
  /** Called while the container's own set-up runs. */
  readonly underway?: () => void;
}

export interface ContainerToStart {
  readonly container: ContainerRecord;
  readonly defaults: ContainerDefaults;
  readonly request: RunRequest;
  /** What its restart policy remembers of the runs before; absent when the user starts it. */
  readonly runs?: PlannedRestart['runs'];
  /** Variables that are written to no file: secrets of a build. */
  readonly secretEnv?: readonly string[];
  /** It is a build's step: it ends with ctr. */
  readonly dieWithCtr?: boolean;
}

export interface PlannedContainer {
  readonly config: RuntimeConfig;
  readonly plan: Plan;
  readonly maps: IdMaps;
  readonly network: ContainerNetwork;
  /** To be done when the namespaces of the first process (`pid`) exist and it still waits. */
  readonly prepare: (pid: number) => Promise<void>;
}

/** Everything up to the clone: what `--explain` shows. Writes the container's /etc files and config.json. */
export async function planStart(
  host: Host,
  { container, defaults, request, secretEnv = [] }: ContainerToStart,
  consoleSize?: Connection['consoleSize'],
): Promise<PlannedContainer> {
  const network = await networkFor(host, container, request);
  const usual = containerIds(host, request);
  const ids =
    network.userNamespace === undefined ? usual : { ...usual, maps: { ...usual.maps, isJoined: true as const } };
  const { maps } = ids;
  const isCallerAbsent = !hasCaller(maps, host);
  const absent = isCallerAbsent ? await import('./caller-absent.ts') : undefined;
  absent?.refuseWithoutCaller(request);
  const rootfs = rootfsFor(host, container, request);
  const { stack } = rootfs;
  const sourceOf = await prepareMounts(host, { container, request, defaults, stack, ids });
  const secrets = await secretsFor(host, container.id, request);
  const input = runtimeSpecInput(host, {
    ...{ container, request, defaults, maps, network, consoleSize, sourceOf, stack },
    secretFiles: secrets.files,
    ...(ids.user ? { keptUser: ids.user } : {}),
  });
  const config = runtimeSpecFor(input);
  const filled = fillMemory(host, container.id, config, stack, isCallerAbsent ? maps : undefined);
  const owners = [...secrets.owners, ...ownersOfRoot(host, container)];
  const plan = planContainer({
    config: withEnvironment(filled.config, [...secrets.env, ...secretEnv]),
    isRootOther: isRootOther(maps, host.uid),
    hasRoot: hasRoot(maps),
    owners: isCallerAbsent ? [] : owners,
    appends: request.rootfs && !request.rootfs.overlay ? [] : passwdLines(input, config.process.user),
    reaper: request.init,
    personality: request.personality,
    root: absent?.carriedRoot(host, container, rootfs) ?? rootfs.plan,
    rootMount: layout.rootMount(host, container.id),
    isDirectory,
    seccompFilter: await seccompFilter(host, request, config),
    canSetGroups: maps.kind !== 'single',
    pretendsOwners: maps.kind === 'single',
    preserveFds: checkedDescriptors(request.preserveFds ?? 0),
  });
  const prepare = async (pid: number) => {
    await absent?.giveToRoot(host, container.id, { maps, pid, owned: secrets.owners });
    await rootfs.prepare?.(pid);
    await filled.prepare?.(pid);
  };
  return { config, plan, maps, network, prepare };
}

/** The secrets are in no file of ours: config.json is written without them. */
function withEnvironment(config: RuntimeConfig, env: readonly string[]): RuntimeConfig {
  return env.length === 0
    ? config
    : { ...config, process: { ...config.process, env: [...config.process.env, ...env] } };
}

/** Layers of another map have their owners; the upper directory, which is `/` of the container, is the caller's. */
function ownersOfRoot(host: Host, { id, ownerKind }: ContainerRecord) {
  if (!ownerKind.startsWith('x')) return [];
  return [{ path: layout.upper(host, id), uid: 0, gid: 0, mode: 0o755 }];
}

/** Node opens descriptors of its own; without one of the caller's at the place, one of those would be given away. */
function checkedDescriptors(count: number): number {
  for (let fd = 3; fd < 3 + count; fd++) {
    const target = linkTarget(`/proc/self/fd/${fd}`);
    if (target !== undefined && !target.startsWith('anon_inode:')) continue;
    throw new CtrError('USAGE', `--preserve-fds ${count}: descriptor ${fd} is not open here`);
  }
  return count;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Of what is below a volume nothing is believed: its symlinks are resolved within. */
function isDirectory(path: string, subpath: string | undefined): boolean {
  if (subpath === undefined) return statSync(path).isDirectory();
  try {
    return withDirectoryInLayers([path], subpath, () => true) ?? false;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return true; // It is behind a directory that only the container may enter.
    throw error;
  }
}

/** Returns once the command has been executed; the container's state is on disk then. Refuses one that runs. */
export async function startContainer(host: Host, subject: ContainerToStart, connection: Connection): Promise<Launched> {
  const { container, request } = subject;
  using _lock = lockContainer(host, container.id);
  await refuseUnlessStartable(host, container);
  const { cgroupFor } = await import('./cgroups.ts');
  const cgroup = cgroupFor(host, container.id, request.limits);
  const runDirectory = layout.runContainer(host, container.id);
  // A start that was killed before it wrote a state leaves its sockets.
  removeTreeNow(runDirectory);
  mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  const planned = await planStart(host, subject, connection.consoleSize);
  const outputs = await outputPlanFor(host, container, request, connection.output);
  removeTreeNow(layout.containerExit(host, container.id));
  const startedAt = new Date().toISOString();
  const connector = connectorOf(planned.network, container.id);
  let launched: Launched;
  try {
    const prepared = { ...planned, cgroup, outputs, connector };
    launched = await launch(launchRequest(host, subject, connection, prepared, startedAt));
  } catch (error) {
    cgroup.discard();
    await connector.settled();
    await disconnectNetwork(host, container.id);
    removeTreeNow(runDirectory);
    removeTreeNow(layout.containerExit(host, container.id));
    const { withBindExplanation } = await import('./explain-bind.ts');
    throw withBindExplanation(error, host, request, planned.maps);
  }
  beginLife(host, container.id, { startedAt, ...(subject.runs ?? { restarts: 0, quickEnds: 0 }) });
  recordContainerEvent(host, container, 'start');
  await outputs.begin?.(startedAt);
  await beginHealthChecks(host, subject, launched.pid);
  return launched;
}

async function beginHealthChecks(
  host: Host,
  { container, defaults, request }: ContainerToStart,
  pid: number,
): Promise<void> {
  const plan = healthPlanFor(request.health, defaults);
  if (!plan) return;
  const { startHealthTimer } = await import('./health-timer.ts');
  startHealthTimer(host, container.id, pid, plan);
}

/** Start it and leave it to its supervisor. */
export async function startDetached(host: Host, subject: ContainerToStart): Promise<void> {
  const stdin = subject.request.interactive ? 'attached' : 'null';
  const connection = { stdin, output: 'capture', tee: false, underway: leaveMemory } as const;
  const launched = await startContainer(host, subject, connection);
  const { container, request } = subject;
  if (host.env.NOTIFY_SOCKET) {
    await (await import('./sd-notify.ts')).announce(host, { id: container.id, request }, launched, true);
  }
  closeSync(launched.up);
  closeSync(launched.bye);
}

async function refuseUnlessStartable(host: Host, { id, name }: ContainerRecord): Promise<void> {
  if (!existsSync(layout.container(host, id))) {
    throw new CtrError('NOT_FOUND', `container ${name} was removed while it was being started`);
  }
  const isRunning = readState(host, id) !== undefined && (await isUp(host, id));
  if (!isRunning) await finishLocked(host, id);
  if (readState(host, id)) throw new CtrError('STATE', `container ${name} is running already`);
}

interface PreparedContainer extends PlannedContainer {
  readonly cgroup: ContainerCgroup;
  readonly outputs: OutputPlan;
  readonly connector: ReturnType<typeof connectorOf>;
}

function launchRequest(
  host: Host,
  { container, request, dieWithCtr }: ContainerToStart,
  connection: Connection,
  { config, plan, maps, network, cgroup, outputs, connector, prepare }: PreparedContainer,
  startedAt: string,
): LaunchRequest {
  const exit = layout.containerExit(host, container.id);
  return {
    plan,
    maps,
    terminal: request.tty,
    preserveFds: request.preserveFds,
    stdin: connection.stdin,
    output: outputs.output,
    // Who would have had the output directly gets a copy when a log needs it as well.
    tee: connection.tee || (connection.output === 'inherit' && outputs.output === 'capture'),
    log: outputs.log,
    exitFile: { temp: `${exit}.tmp`, path: exit },
    socketDirectory: needsSockets(request, outputs) ? layout.runContainer(host, container.id) : undefined,
    cleanup: cleanupProgram(host, container.id),
    timeoutMs: request.timeoutMs === 0 ? undefined : request.timeoutMs,
    dieWithCtr,
    cloned: (pid, supervisorPid) => {
      connector.cloned(pid);
      cgroup.begin(pid, supervisorPid);
    },
    meanwhile: () => writeFileSync(layout.containerConfig(host, container.id), JSON.stringify(config)),
    underway: connection.underway,
    lifelines: network.lifelines,
    prepare: async (pid, supervisorPid) => {
      const cgroupPath = cgroup.finish();
      const [init, supervisor] = [identifyProcess(pid), identifyProcess(supervisorPid)];
      if (init)
        writeState(host, container.id, {
          init,
          ...(supervisor ? { supervisor } : {}),
          startedAt,
          ...(cgroupPath ? { cgroupPath } : {}),
        });
      if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(pid));
      await prepare(pid);
      await connector.mapped(pid);
      connection.listening?.(layout.runContainer(host, container.id));
    },
  };
}

const needsSockets = (request: RunRequest, { output }: OutputPlan) => request.tty || output === 'capture';

async function seccompFilter(
  host: Host,
  { security }: RunRequest,
  config: RuntimeConfig,
): Promise<Uint8Array | undefined> {
  if (security.seccomp === 'unconfined' || (security.privileged && security.seccomp === undefined)) return undefined;
  return seccompFilterFor({
    profile: security.seccomp ?? 'default',
    capabilities: config.process.capabilities.bounding,
    cacheDir: layout.seccompCache(host),
  });
}
