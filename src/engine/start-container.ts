/** Start a container that exists: its OCI config, the plan, the launch, the runtime state. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { identifyProcess } from '../linux/process-identity.ts';
import { seccompFilterFor } from '../linux/seccomp.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { type Launched, type LaunchRequest, launch } from '../ns/launch.ts';
import { type Plan, planContainer } from '../ns/plan.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { RuntimeConfig } from '../oci/runtime.ts';
import { writeState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { cleanupProgram } from './cleanup-program.ts';
import { runtimeSpecInput } from './container-facts.ts';
import { type ContainerNetwork, networkFor } from './container-network.ts';
import { rootfsFor } from './rootfs.ts';
import type { RunRequest } from './run-request.ts';
import { runtimeSpecFor } from './runtime-spec.ts';
import { idMapsFor } from './user-namespace.ts';
import { volumePathFor } from './volumes.ts';

/** How the container's stdio is connected to this process. */
export interface Connection {
  readonly stdin: LaunchRequest['stdin'];
  readonly output: LaunchRequest['output'];
  readonly tee: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
}

export interface ContainerToStart {
  readonly container: ContainerRecord;
  readonly defaults: ContainerDefaults;
  readonly request: RunRequest;
}

export interface PlannedContainer {
  readonly config: RuntimeConfig;
  readonly plan: Plan;
  readonly maps: IdMaps;
  readonly network: ContainerNetwork;
}

/** Everything up to the clone: what `--explain` shows. Writes the container's /etc files and config.json. */
export async function planStart(
  host: Host,
  { container, defaults, request }: ContainerToStart,
  consoleSize?: Connection['consoleSize'],
): Promise<PlannedContainer> {
  const maps = idMapsFor(host);
  const network = await networkFor(host, request);
  const rootfs = rootfsFor(host, container, request.rootfs);
  const volumePath = volumePathFor(host, container, rootfs.stack);
  const input = runtimeSpecInput(host, {
    ...{ container, request, defaults, maps, network, consoleSize, volumePath },
    stack: rootfs.stack,
  });
  const config = runtimeSpecFor(input);
  const plan = planContainer({
    config,
    root: rootfs.plan,
    rootMount: layout.rootMount(host, container.id),
    isDirectory: (path) => statSync(path).isDirectory(),
    seccompFilter: seccompFilter(host, request, config),
    canSetGroups: maps.kind !== 'single',
    preserveFds: 0,
  });
  return { config, plan, maps, network };
}

/** Returns once the command has been executed; the container's state is on disk then. */
export async function startContainer(host: Host, subject: ContainerToStart, connection: Connection): Promise<Launched> {
  const { container, request } = subject;
  const { config, plan, maps, network } = await planStart(host, subject, connection.consoleSize);
  const runDirectory = layout.runContainer(host, container.id);
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  writeFileSync(layout.containerConfig(host, container.id), JSON.stringify(config));
  const exit = layout.containerExit(host, container.id);
  rmSync(exit, { force: true });
  const launched = await launch({
    plan,
    maps,
    terminal: request.tty,
    stdin: connection.stdin,
    output: connection.output,
    tee: connection.tee,
    log: connection.output === 'capture' || request.tty ? logFile(host, container.id) : undefined,
    exitFile: { temp: `${exit}.tmp`, path: exit },
    socketDirectory: needsSockets(request, connection) ? runDirectory : undefined,
    cleanup: cleanupProgram(host, container.id),
    prepare: async (pid) => {
      const init = identifyProcess(pid);
      if (init) writeState(host, container.id, { init, startedAt: new Date().toISOString() });
      await network.connect?.(pid, container.id);
    },
  });
  return launched;
}

const needsSockets = (request: RunRequest, { output }: Connection) => request.tty || output === 'capture';

function logFile(host: Host, id: string) {
  const megabyte = 1024 * 1024;
  return { path: layout.containerLog(host, id), maxBytes: 10 * megabyte, maxFiles: 3 };
}

function seccompFilter(host: Host, { security }: RunRequest, config: RuntimeConfig): Uint8Array | undefined {
  if (security.seccomp === 'unconfined' || (security.privileged && security.seccomp === undefined)) return undefined;
  return seccompFilterFor({
    profile: security.seccomp ?? 'default',
    capabilities: config.process.capabilities.bounding,
    cacheDir: layout.seccompCache(host),
  });
}
