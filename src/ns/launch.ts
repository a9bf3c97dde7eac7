/**
 * Start a planned container: clone the supervisor, which clones the first process; write the id maps; let it go; learn
 * whether it reached execve. The messages are drawn in supervisor.ts.
 *
 * The first process waits for its go before it does anything, so most of what it will do (its steps) is planned and
 * compiled while the kernel makes the namespaces and the helpers write the maps. The go is that program. What the
 * supervisor does afterwards is compiled while the first process does its steps.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { Defer } from '../base/defer.ts';
import { assembleFor, cloneProgram, type Mapping, reserveForLater, unloadProgram, waitFor } from '../linux/clone.ts';
import { SOCK } from '../linux/constants.ts';
import { boundSocket, moveUp, pipe, setNonBlocking, socketPair } from '../linux/descriptors.ts';
import { Program } from '../linux/program.ts';
import { compileSteps } from './compile.ts';
import { beginIdMaps, type IdMaps } from './id-maps.ts';
import type { LogFile } from './output-pump.ts';
import type { Plan } from './plan.ts';
import { receiveSteps, sendProgram } from './sent-program.ts';
import { fillUnmaps, loadAlone, unmapVariables } from './shed-memory.ts';
import { type StepFailure, startError } from './start-error.ts';
import type { Step } from './steps.ts';
import {
  compileSupervision,
  compileSupervisor,
  message,
  messageBytes,
  type SupervisorFds,
  type SupervisorRequest,
} from './supervisor.ts';

/** Above stdio and whatever a command is given by --preserve-fds. */
const fdFloor = 100;
/** For the steps' program: twice what execve(2) takes of arguments and environment, and a seccomp filter. */
const stepsBytes = 6 << 20;
/** For the supervisor's: three paths and the command line of the clean-up come on top of 100 kB. */
const restBytes = 4 << 20;

export interface LaunchRequest {
  readonly plan: Plan;
  readonly maps: IdMaps;
  readonly terminal: boolean;
  /** Descriptors 3, 4, … of ctr's own that the command gets. */
  readonly preserveFds?: number | undefined;
  /** `inherit`: ctr's own stdin; `null`: /dev/null; `attached`: a pipe that attached clients write to. */
  readonly stdin: 'inherit' | 'null' | 'attached';
  /** `inherit`: ctr's own stdout and stderr; `capture`: pipes into the log and to attached clients; or descriptors. */
  readonly output: 'inherit' | 'capture' | readonly [stdout: number, stderr: number];
  /** With `capture`: also to ctr's own stdout and stderr. */
  readonly tee: boolean;
  readonly log?: LogFile | undefined;
  readonly exitFile: { readonly temp: string; readonly path: string };
  /** Directory for the sockets `attach` and `size`; absent: nobody can attach. */
  readonly socketDirectory?: string | undefined;
  readonly cleanup?: SupervisorRequest['cleanup'] | undefined;
  /** Called as soon as `pid` exists: what others can begin while the maps are written. */
  readonly cloned?: ((pid: number, supervisor: number) => void) | undefined;
  /** Called while the maps are written: for work that needs neither them nor the namespaces. */
  readonly meanwhile?: (() => void) | undefined;
  /** Called when the namespaces of `pid` exist and have their maps, before anything runs in them. */
  readonly prepare?: ((pid: number, supervisor: number) => void | Promise<void>) | undefined;
  /** Called while the first process does its steps and still dies with ctr: for work that is of use even if they fail. */
  readonly underway?: (() => void) | undefined;
  /** The supervisor kills it after this time; absent: never. */
  readonly timeoutMs?: number | undefined;
  /** Its first process is killed when this process is gone. */
  readonly dieWithCtr?: boolean | undefined;
  /** Descriptors from 100 on that the supervisor keeps open as long as it lives; ctr keeps its own, too. */
  readonly lifelines?: readonly number[] | undefined;
}

export interface Launched {
  /** The first process, as this process sees it. */
  readonly pid: number;
  readonly supervisor: number;
  /** Read end: the supervisor's next message is `exited`. */
  readonly up: number;
  /** Write end: tell the supervisor that ctr itself cleans up. */
  readonly bye: number;
}

/** When this throws, supervisor and first process are gone; what they left (the exit file) is the caller's to delete. */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const theirs = new Defer();
  const ours = new Defer();
  try {
    const pipes = makePipes(request, theirs, ours);
    const [later, rest] = [reserveForLater(stepsBytes), reserveForLater(restBytes)];
    const { program, unmap, described } = buildSupervisor(request, pipes, { later, rest });
    const loaded = loadAlone(program, unmap, rest);
    const supervisor = cloneProgram(loaded, 0);
    for (const mapping of [loaded, later, rest]) unloadProgram(mapping);
    await theirs.run();
    const places = { own: { program, mapping: loaded }, later, rest };
    try {
      const pid = await introduce(request, pipes, supervisor, places, described);
      for (const fd of [pipes.go, pipes.rest, pipes.execRead]) closeSync(fd);
      ours.keep();
      return { pid, supervisor, up: pipes.up, bye: pipes.bye };
    } catch (error) {
      await dismiss(supervisor, pipes.bye, ours);
      throw error;
    }
  } finally {
    await theirs.run();
    await ours.run();
  }
}

/** Memory for programs that are sent: the first process' steps, the supervisor's rest. */
interface LaterMappings {
  readonly later: Mapping;
  readonly rest: Mapping;
}

interface Placed {
  readonly program: Program;
  readonly mapping: Mapping;
}

/** Give the first process its ids, its network and its steps, and let it go; its pid once it has reached execve. */
async function introduce(
  request: LaunchRequest,
  pipes: Pipes,
  supervisor: number,
  { own, later, rest }: { readonly own: Placed } & LaterMappings,
  described: SupervisorRequest,
): Promise<number> {
  const steps = request.plan.steps();
  const init = readStarted(pipes.up);
  if (init === undefined) {
    const failure = readFailure(pipes.execRead, [own]) ?? { step: -1, call: 'clone', errno: 0 };
    throw startError(failure, steps);
  }
  const { pid } = init;
  request.cloned?.(pid, supervisor);
  const finishIdMaps = beginIdMaps(pid, request.maps);
  let compiled: { readonly program: Program; readonly image: Buffer };
  try {
    compiled = compileRest(steps, pipes.fds, { own: own.mapping, later });
    request.meanwhile?.();
  } finally {
    finishIdMaps();
  }
  await request.prepare?.(pid, supervisor);
  sendProgram(pipes.go, compiled.image);
  // Until the rest is sent, ctr's death is the container's, too.
  request.underway?.();
  const supervision = new Program();
  compileSupervision(supervision, described, init);
  sendProgram(pipes.rest, assembleFor(supervision, rest));
  const failed = readFailure(pipes.execRead, [own, { program: compiled.program, mapping: later }]);
  if (failed) throw startError(failed, steps);
  return pid;
}

/** A first process that still waits for its go leaves when the pipes close, and the supervisor after it. */
async function dismiss(supervisor: number, bye: number, ours: Defer): Promise<void> {
  try {
    writeSync(bye, 'b');
  } catch {
    // EPIPE: it has ended already.
  }
  await ours.run();
  waitFor(supervisor);
}

interface Pipes {
  readonly fds: SupervisorFds;
  readonly attach: SupervisorRequest['attach'];
  readonly go: number;
  readonly rest: number;
  readonly up: number;
  readonly bye: number;
  readonly execRead: number;
}

/** Everything the children inherit, numbered from fdFloor; `theirs` closes those ends here, `ours` the others. */
function makePipes(request: LaunchRequest, theirs: Defer, ours: Defer): Pipes {
  const close = (defer: Defer, fd: number) => {
    defer.push(() => closeSync(fd));
    return fd;
  };
  const their = (fd: number) => close(theirs, moveUp(fd, fdFloor));
  const our = (fd: number) => close(ours, fd);
  const devNull = () => their(openSync('/dev/null', 'r+'));
  const [go, restPipe, up, bye, exec] = [pipe(), pipe(), pipe(), pipe(), pipe()];
  const base = {
    initGo: their(go[0]),
    rest: their(restPipe[0]),
    up: their(up[1]),
    bye: their(bye[0]),
    initExec: their(exec[1]),
    idle: devNull(),
  };
  const rest = {
    go: our(go[1]),
    rest: our(restPipe[1]),
    up: our(up[0]),
    bye: our(bye[1]),
    execRead: our(exec[0]),
  };
  if (request.terminal) {
    const [a, b] = socketPair(SOCK.SEQPACKET);
    const fds = { ...base, console: their(a), initConsole: their(b) };
    const attach = attachPoint(request, their, undefined);
    return {
      ...rest,
      attach,
      fds: { ...fds, initStdio: [fds.idle, fds.idle, fds.idle], others: others(attach, request) },
    };
  }
  const stdinPipe = request.stdin === 'attached' ? pipe() : undefined;
  const stdin = stdinPipe ? their(stdinPipe[0]) : request.stdin === 'inherit' ? 0 : base.idle;
  const attach = attachPoint(request, their, stdinPipe && their(stdinPipe[1]));
  if (request.output !== 'capture') {
    const given =
      request.output === 'inherit'
        ? ([1, 2] as const)
        : ([their(request.output[0]), their(request.output[1])] as const);
    return { ...rest, attach, fds: { ...base, initStdio: [stdin, ...given], others: others(attach, request) } };
  }
  const [out, err] = [pipe(), pipe()];
  const [stdout, stderr] = [their(out[0]), their(err[0])];
  for (const fd of [stdout, stderr]) setNonBlocking(fd);
  const initStdio = [stdin, their(out[1]), their(err[1])] as const;
  return { ...rest, attach, fds: { ...base, stdout, stderr, initStdio, others: others(attach, request) } };
}

function others(attach: SupervisorRequest['attach'], { lifelines = [] }: LaunchRequest): number[] {
  return [attach?.listener, attach?.sizes, attach?.stdin, ...lifelines].filter((fd) => fd !== undefined);
}

function attachPoint(
  request: LaunchRequest,
  their: (fd: number) => number,
  stdin: number | undefined,
): SupervisorRequest['attach'] {
  if (request.socketDirectory === undefined) return undefined;
  const directory = openSync(request.socketDirectory, 'r');
  try {
    return {
      listener: their(boundSocket(SOCK.STREAM, directory, 'attach')),
      ...(request.terminal ? { sizes: their(boundSocket(SOCK.DGRAM, directory, 'size')) } : {}),
      ...(stdin === undefined ? {} : { stdin }),
    };
  } finally {
    closeSync(directory);
  }
}

function buildSupervisor(request: LaunchRequest, { fds, attach }: Pipes, { later, rest }: LaterMappings) {
  const program = new Program();
  const unmap = unmapVariables(program);
  const described: SupervisorRequest = {
    fds,
    cloneFlags: request.plan.cloneFlags,
    join: request.plan.join,
    preserveFds: request.preserveFds ?? 0,
    sinks: {
      ...(request.log ? { log: request.log } : {}),
      ...(request.tee ? { tee: { stdout: 1, stderr: 2 } } : {}),
    },
    exitFile: request.exitFile,
    unmap,
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    ...(request.dieWithCtr ? { dieWithCtr: true } : {}),
    ...(attach ? { attach } : {}),
    ...(request.cleanup ? { cleanup: request.cleanup } : {}),
  };
  compileSupervisor(program, described, rest.base, () => {
    program.beginStep(0);
    receiveSteps(program, fds.initGo, later.base);
  });
  return { program, unmap, described };
}

/** The steps behind the first one, which is to wait for this. */
function compileRest(
  steps: readonly Step[],
  fds: SupervisorFds,
  { own, later }: { readonly own: Mapping; readonly later: Mapping },
): { readonly program: Program; readonly image: Buffer } {
  const program = new Program();
  const unmap = unmapVariables(program);
  const context = { goFd: fds.initGo, consoleFd: fds.initConsole ?? -1, mounts: new Map(), unmap };
  compileSteps(program, steps, context, { from: 1 });
  program.placeFailed();
  program.call('exit_group', [125]);
  fillUnmaps(program, unmap, [own, later]);
  return { program, image: assembleFor(program, later) };
}

/** The pid in the `started` message and the supervisor's descriptor of it; undefined when the supervisor ended without it. */
function readStarted(up: number): { readonly pid: number; readonly pidfd: number } | undefined {
  const text = Buffer.alloc(messageBytes);
  const got = readSync(up, text);
  if (got !== messageBytes || text.readUInt32LE(0) !== message.started) return undefined;
  return { pid: text.readInt32LE(8), pidfd: text.readInt32LE(16) };
}

/** Blocks until exec closes the pipe (undefined) or a step reports its failure. */
function readFailure(execRead: number, placed: readonly Placed[]): StepFailure | undefined {
  const report = Buffer.alloc(16);
  if (readSync(execRead, report) < report.length) return undefined;
  const [errno, record] = [Number(report.readBigUInt64LE(0)), report.readBigUInt64LE(8)];
  for (const { program, mapping } of placed) {
    const at = program.stepAt(record, mapping.base);
    if (at) return { step: at.step, call: at.call, errno };
  }
  return { step: -1, call: 'unknown', errno };
}

/** Whether ctr's stdout and stderr may be given to a container as they are: not a terminal, which it could reconfigure. */
export function canInheritOutput(): boolean {
  return [1, 2].every((fd) => !fstatSync(fd).isCharacterDevice());
}
