/** RUN: a container of `ctr run`'s own making, whose upper directory becomes the layer. */
import { closeSync, createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import { Defer } from '../../base/defer.ts';
import type { RunInstruction } from '../../build/instruction.ts';
import { runEnvironment } from '../../build/scope.ts';
import { excerpt, formatPlace } from '../../build/source-range.ts';
import { pipe } from '../../linux/descriptors.ts';
import { formatPlatform } from '../../oci/platform.ts';
import type { ContainerRecord } from '../../storage/container-store.ts';
import { mountPointsOf } from '../container-trees.ts';
import { exitOf, sayBye } from '../follow-container.ts';
import type { NetworkRequest, RunRequest } from '../run-request.ts';
import { type ContainerToStart, startContainer } from '../start-container.ts';
import type { BuildStepInfo } from './build-events.ts';
import { type Build, diffIdsOf, type Made, type StageState } from './build-state.ts';
import { wordsOf } from './config-steps.ts';
import type { StepPlace } from './copy-step.ts';
import { type LayerWork, layerFor } from './new-layer.ts';
import { mountsFor, type StepMounts } from './run-mounts.ts';
import { inheritFiles, stepContainer, watchChanges } from './step-container.ts';
import { stepKey } from './step-key.ts';

export async function runStep(
  build: Build,
  state: StageState,
  instruction: RunInstruction,
  place: StepPlace & { readonly info: BuildStepInfo },
): Promise<Made> {
  const { request } = build;
  const { config } = state.image;
  const environment = runEnvironment(state.scope);
  const proxies = state.scope.globals.proxies;
  const mounts = await mountsFor(build, state, instruction, place.stageIndex);
  const network = networkOf(build, instruction);
  const key = stepKey([
    'run',
    ...[diffIdsOf(state), state.newest, wordsOf(instruction.command, config), instruction.command],
    // As in BuildKit: who is behind which proxy changes no result.
    Object.entries(environment).filter(([name]) => proxies[name] !== environment[name]),
    ...[config.User ?? '', config.WorkingDir ?? '/', network, instruction.security, mounts.identity],
    ...[request.addHosts, request.capAdd, request.capDrop, formatPlatform(state.image)],
    [request.noHosts, request.groupAdd, request.devices],
  ]);
  const make = (): ReturnType<LayerWork['make']> =>
    build.turns.take(() => run(build, state, instruction, { ...place, mounts, network, environment }));
  return layerFor(build, state, { key, description: instruction.text, useCache: place.useCache, make });
}

function networkOf({ request }: Build, { network }: RunInstruction): NetworkRequest {
  if (network === 'none') return { mode: 'none' };
  if (network === 'default') return request.network;
  if (request.allow.includes('network.host') || request.network.mode === 'host') return { mode: 'host' };
  throw new CtrError('DENIED', 'RUN --network=host is not allowed', { hint: 'build with --allow network.host' });
}

interface Running {
  readonly info: BuildStepInfo;
  readonly mounts: StepMounts;
  readonly network: NetworkRequest;
  readonly environment: Readonly<Record<string, string>>;
}

async function run(build: Build, state: StageState, instruction: RunInstruction, running: Running) {
  build.signal.throwIfAborted();
  const { mounts, info } = running;
  build.emulation.require(formatPlatform(state.image), 'the image has a RUN');
  const prepared = await mounts.prepare();
  const undo = new Defer();
  undo.push(() => prepared.release());
  try {
    const request = requestFor(build, state, instruction, { ...running, mounts: prepared.mounts });
    const container = await stepContainer(build, state, request, undo);
    const changes = await watchChanges(build, state, container);
    const code = await follow(build, container, request, prepared.secretEnv, info);
    if (code !== 0) {
      const error = failed(build, instruction, code);
      const shell = () => shellIn(build, state, container, { request, secretEnv: prepared.secretEnv });
      build.autopsy?.keep({ error, shell }, undo);
      throw error;
    }
    const mountPoints = mountPointsOf(build.host, container.id);
    return { from: await changes(), mountPoints: [...mountPoints, ...prepared.mountPoints] };
  } finally {
    await undo.run();
  }
}

/** The step's container once more, on the caller's terminal; returns when the shell has ended. */
async function shellIn(
  build: Build,
  state: StageState,
  failed: ContainerRecord,
  { request, secretEnv }: Required<Pick<ContainerToStart, 'request' | 'secretEnv'>>,
): Promise<void> {
  const [program = '/bin/sh'] = state.image.config.Shell ?? [];
  const interactive = { ...request, command: [program], tty: true, interactive: true, detachKeys: '' };
  const undo = new Defer();
  try {
    const container = await stepContainer(build, state, interactive, undo);
    await inheritFiles(build, failed, container);
    const { startAttached } = await import('../follow-container.ts');
    await startAttached(build.host, { container, defaults: {}, request: interactive, secretEnv, dieWithCtr: true });
  } finally {
    await undo.run();
  }
}

async function follow(
  { host, signal, watch }: Build,
  container: ContainerRecord,
  request: RunRequest,
  secretEnv: readonly string[],
  info: BuildStepInfo,
): Promise<number> {
  // The write ends become the container's: launching moves them out of this process.
  const [out, err] = [pipe(), pipe()];
  const subject = { container, defaults: {}, request, secretEnv, dieWithCtr: true };
  const launched = await startContainer(host, subject, { stdin: 'null', output: [out[1], err[1]], tee: false });
  const copied = [
    copy(out[0], (bytes) => watch.output(info, 'stdout', bytes)),
    copy(err[0], (bytes) => watch.output(info, 'stderr', bytes)),
  ];
  const kill = () => process.kill(launched.pid, 'SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    if (signal.aborted) kill();
    const code = await exitOf(launched);
    await Promise.all(copied);
    sayBye(launched);
    signal.throwIfAborted();
    return code;
  } finally {
    signal.removeEventListener('abort', kill);
    for (const fd of [launched.up, launched.bye]) closeSync(fd);
  }
}

async function copy(fd: number, give: (bytes: Buffer) => void): Promise<void> {
  for await (const bytes of createReadStream('', { fd })) give(bytes);
}

function failed({ plan }: Build, { source, text }: RunInstruction, code: number): CtrError {
  const { fileName, text: file } = plan.dockerfile;
  const shown = source.file === fileName ? excerpt({ name: fileName, lines: file.split(/\r?\n/) }, source) : text;
  const how = code > 128 ? `was killed by signal ${code - 128}` : `ended with exit code ${code}`;
  return new CtrError('STATE', `${formatPlace(source)}: RUN ${how}\n${shown}`, { exitCode: code });
}

function requestFor(
  build: Build,
  state: StageState,
  instruction: RunInstruction,
  running: Omit<Running, 'mounts'> & { readonly mounts: RunRequest['mounts'] },
): RunRequest {
  const { request } = build;
  const { config } = state.image;
  const isInsecure = instruction.security === 'insecure';
  if (isInsecure && !request.allow.includes('security.insecure')) {
    throw new CtrError('DENIED', 'RUN --security=insecure is not allowed', {
      hint: 'build with --allow security.insecure',
    });
  }
  const device = instruction.devices.find(({ required }) => required);
  if (device) {
    throw new CtrError('UNSUPPORTED', `RUN --device=${device.name}: device descriptions (CDI) are not read`, {
      hint: 'without `required` the step goes on when there is no such device',
    });
  }
  return {
    ...constantRequest,
    command: wordsOf(instruction.command, config),
    env: Object.entries(running.environment).map(([name, value]) => `${name}=${value}`),
    workdir: posix.resolve('/', config.WorkingDir ?? '/'),
    ...(config.User ? { user: config.User } : {}),
    mounts: running.mounts,
    network: running.network,
    dns: request.dns,
    dnsSearch: request.dnsSearch,
    dnsOptions: request.dnsOptions,
    addHosts: request.addHosts,
    noHosts: request.noHosts,
    groupAdd: request.groupAdd,
    devices: request.devices,
    ulimits: request.ulimits,
    shmSizeBytes: request.shmSizeBytes,
    ...(request.limits ? { limits: request.limits } : {}),
    security: {
      ...constantRequest.security,
      privileged: isInsecure,
      capAdd: request.capAdd,
      capDrop: request.capDrop,
      ...(request.seccomp === undefined ? {} : { seccomp: request.seccomp }),
    },
  };
}

/** What no instruction changes. A name that is always the same: programs write it into files. */
const constantRequest: RunRequest = {
  command: [],
  hostname: 'ctr-build',
  env: [],
  unsetEnv: [],
  unsetAllEnv: false,
  groupAdd: [],
  labels: {},
  annotations: {},
  interactive: false,
  tty: false,
  detach: false,
  remove: true,
  detachKeys: 'ctrl-p,ctrl-q',
  sigProxy: false,
  init: false,
  readOnly: false,
  readOnlyTmpfs: false,
  mounts: [],
  volumesFrom: [],
  network: { mode: 'none' },
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  addHosts: [],
  noHosts: false,
  publish: [],
  publishAll: false,
  security: {
    ...{ privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false },
    ...{ mask: [], unmask: [], procOptions: [] },
  },
  devices: [],
  ulimits: [],
  sysctls: {},
  shmSizeBytes: 65_536_000,
  stopTimeoutMs: 10_000,
  restart: { name: 'no', maxRetries: 0 },
  timeoutMs: 0,
  replace: false,
  requires: [],
  removeImage: false,
  umask: 0o022,
  pull: 'never',
  quiet: true,
  keepPasswd: true,
  logging: { driver: 'none', maxBytes: 0, maxFiles: 1 },
  health: { isOff: true, onFailure: 'none' },
  notices: [],
};
