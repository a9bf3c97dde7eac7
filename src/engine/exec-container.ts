/** `ctr exec`: another process in a running container. Takes no lock and leaves nothing on the disk. */
import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { moveUp, pipe } from '../linux/descriptors.ts';
import { seccompFilterFor } from '../linux/seccomp.ts';
import { type Joined, joinContainer } from '../ns/join.ts';
import { planProcess } from '../ns/plan.ts';
import { boolean, object, optional, string } from '../oci/check.ts';
import type { RuntimeProcess } from '../oci/runtime.ts';
import { type ContainerState, readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { cgroupProcsOf, containerProcess, type ExecRequest, processForExec } from './exec-process.ts';
import { endOfChild, forwardSignals } from './signal-proxy.ts';
import { findExecutable, idMapsFor } from './user-namespace.ts';

/** Returns the command's exit code, or 0 when it goes on by itself. */
export async function execInContainer(host: Host, container: ContainerRecord, request: ExecRequest): Promise<number> {
  const state = runningState(host, container);
  checkPreserved(request.preserveFds);
  const stdio = openStdio(request);
  const joined = await enter(host, container, state, request, stdio);
  for (const fd of stdio.theirs) closeSync(fd);
  if (joined.cgroupFailure !== undefined) {
    host.log.warn(`the limits of ${container.name} do not count for this command: its cgroup cannot be joined`);
  }
  if (request.detach) {
    if (joined.master !== undefined) await leave(host, joined.master);
    return 0;
  }
  if (joined.master !== undefined) return inTerminal(host, joined.pid, joined.master, request);
  const code = await withoutTerminal(joined.pid, stdio);
  if (code !== 0 && code < 128) (await import('./advise-on-binds.ts')).adviseOnExec(host, container, request);
  return code;
}

function runningState(host: Host, { id, name }: ContainerRecord): ContainerState {
  const state = readRunningState(host, id);
  if (state) return state;
  throw new CtrError('STATE', `container ${name} is not running`, { hint: `start it: ctr start ${name}` });
}

/** Returns once the command has been executed, as a child of this process. */
export async function enter(
  host: Host,
  container: ContainerRecord,
  state: ContainerState,
  request: ExecRequest,
  stdio: Pick<Stdio, 'fds'>,
): Promise<Joined> {
  const own = containerProcess(host, container.id);
  const process = processForExec(own, request, state.init.pid);
  const words = [...process.args, ...process.env, process.cwd];
  // A NUL would end a C string early: what was checked and what the kernel sees would differ.
  if (words.some((word) => word.includes('\0'))) throw new CtrError('INVALID', 'the command contains a NUL byte');
  const maps = idMapsFor(host);
  const canSetGroups = maps.kind !== 'single';
  return joinContainer({
    init: state.init,
    namespaces: 'all',
    stdio: stdio.fds,
    ownedPipes: { fds: stdio.fds.filter((fd) => fstatSync(fd).isFIFO()), uid: process.user.uid },
    preserveFds: request.preserveFds,
    cgroupProcs: cgroupProcsOf(state.init.pid),
    oomScoreAdj: own.oomScoreAdj,
    steps: [
      { kind: 'become-root', clearGroups: canSetGroups },
      ...planProcess({
        process,
        seccompFilter: await seccompFilter(host, container, request, process),
        canSetGroups,
        pretendsOwners: !canSetGroups,
        preserveFds: request.preserveFds,
        isFirst: false,
      }),
    ],
  });
}

/** Of the container's request only what decides about the filter: the rest need not be understood to enter it. */
const filterChoice = object({ security: object({ privileged: boolean, seccomp: optional(string) }) });

/** The filter that `run` used; an exec with all capabilities gets the profile's rules for those. */
async function seccompFilter(
  host: Host,
  { id, request: stored }: ContainerRecord,
  { privileged }: ExecRequest,
  { capabilities }: RuntimeProcess,
): Promise<Uint8Array | undefined> {
  const { security } = filterChoice(stored, `container ${id.slice(0, 12)}: request`);
  const isPrivileged = security.privileged || privileged;
  if (security.seccomp === 'unconfined' || (isPrivileged && security.seccomp === undefined)) return undefined;
  return seccompFilterFor({
    profile: security.seccomp ?? 'default',
    capabilities: capabilities.bounding,
    cacheDir: layout.seccompCache(host),
  });
}

interface Stdio {
  readonly fds: readonly [number, number, number];
  /** The command's ends of pipes: closed here once it has them. */
  readonly theirs: readonly number[];
  /** ctr's ends of pipes, for streams of the caller that are a terminal. */
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
}

/** The caller's own descriptors, except a terminal: that one is never handed to a container. */
function openStdio(request: ExecRequest): Stdio {
  const nothing = moveUp(openSync('/dev/null', 'r+'), fdFloor);
  const none = { stdin: undefined, stdout: undefined, stderr: undefined };
  if (request.tty || request.detach) return { fds: [nothing, nothing, nothing], theirs: [nothing], ...none };
  const theirs = [nothing];
  const through = (fd: number, end: 0 | 1): { theirs: number; ours: number | undefined } => {
    if (!isDevice(fd)) return { theirs: fd, ours: undefined };
    const made = pipe();
    const given = moveUp(made[end], fdFloor);
    theirs.push(given);
    return { theirs: given, ours: made[end === 0 ? 1 : 0] };
  };
  const stdin = request.interactive ? through(0, 0) : { theirs: nothing, ours: undefined };
  const [stdout, stderr] = [through(1, 1), through(2, 1)];
  return {
    fds: [stdin.theirs, stdout.theirs, stderr.theirs],
    theirs,
    stdin: stdin.ours,
    stdout: stdout.ours,
    stderr: stderr.ours,
  };
}

/** Above stdio and whatever a command is given by --preserve-fds. */
const fdFloor = 100;

/** A device of the caller's, a terminal mostly; /dev/null and its relatives (major 1) may be shared. */
function isDevice(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isCharacterDevice() && status.rdev >> 8 !== 1;
}

async function withoutTerminal(pid: number, { stdin, stdout, stderr }: Stdio): Promise<number> {
  const ended = endOfChild(pid);
  forwardSignals(() => pid);
  if (stdin === undefined && stdout === undefined && stderr === undefined) return ended;
  const { copyInput, copyOutput } = await import('./exec-output.ts');
  if (stdin !== undefined) copyInput(stdin);
  const finish = [
    ...(stdout === undefined ? [] : [copyOutput(stdout, 1)]),
    ...(stderr === undefined ? [] : [copyOutput(stderr, 2)]),
  ];
  const code = await ended;
  for (const copyRest of finish) copyRest();
  return code;
}

async function inTerminal(host: Host, pid: number, master: number, request: ExecRequest): Promise<number> {
  const ended = endOfChild(pid);
  const { showTerminal } = await import('./exec-terminal.ts');
  const outcome = await showTerminal({ master, input: request.interactive, detachKeys: request.detachKeys, ended });
  if (outcome !== 'detached') return outcome;
  await leave(host, master);
  return 0;
}

async function leave(host: Host, master: number): Promise<void> {
  const { leaveTerminal } = await import('./exec-terminal.ts');
  leaveTerminal(master, findExecutable(host, 'cat') ?? '/bin/cat');
}

/**
 * They have to be the caller's. Node marks all that it finds close-on-exec, so that tells nothing; but the lowest number
 * that the caller left free is Node's first own descriptor, an epoll instance.
 */
function checkPreserved(count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    if (isPassed(fd)) continue;
    throw new CtrError('USAGE', `--preserve-fds=${count}: descriptor ${fd} is not open`, {
      hint: 'the option needs descriptors 3, 4, … from the caller',
    });
  }
}

function isPassed(fd: number): boolean {
  try {
    return !readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:');
  } catch {
    return false;
  }
}
