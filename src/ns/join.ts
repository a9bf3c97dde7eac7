/**
 * Start a process in the namespaces of one that runs: `exec`, and whatever works on a running container's files.
 *
 *   ctr                       first                      command
 *    |--clone------------------>|                           |
 *    |                          | cgroup, not dumpable      |
 *    |                          | setns(pidfd of init)      |
 *    |                          |--clone(CLONE_PARENT)----->|
 *    |<--{pid, cgroup result}---| ends                      | the same steps as run's
 *    |<--end of file, or failed {errno, record}-------------| execve
 *
 * Only children of the one that called setns(2) are in the pid namespace; CLONE_PARENT makes the command ctr's own
 * child all the same.
 *
 * Mustn't: let the container see or touch what ctr's copy holds before execve. It is not dumpable from before setns on
 * (ptrace(2) "Ptrace access mode checking": nobody inside may attach or look into its /proc directory), and it has closed
 * every descriptor but its own, so that no path of the container such as /proc/self/fd/N leads to the host.
 */
import { closeSync, readlinkSync, readSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { Defer } from '../base/defer.ts';
import { cloneProgram, loadProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import { AT_FDCWD, CLONE, O, PR, SOCK } from '../linux/constants.ts';
import { moveUp, pipe, socketPair } from '../linux/descriptors.ts';
import { errnoName, libc, SyscallError } from '../linux/ffi.ts';
import { isAlive, type ProcessIdentity } from '../linux/process-identity.ts';
import { failurePair, failurePairBytes, Program, type Variable } from '../linux/program.ts';
import { receiveDescriptor } from '../linux/receive-descriptor.ts';
import { syscallNumber } from '../linux/syscalls.ts';
import { compileSteps } from './compile.ts';
import { keepOnly } from './compile-descriptors.ts';
import { startError } from './start-error.ts';
import type { Step } from './steps.ts';

export interface JoinRequest {
  /** Whose namespaces are joined. */
  readonly init: ProcessIdentity;
  /** `user`: the ids and powers of the container's root, among the host's files and processes. */
  readonly namespaces: 'all' | 'user';
  /** From root in the namespaces to the final `exec`. */
  readonly steps: readonly Step[];
  /** Descriptors that become stdin, stdout and stderr; a `terminal` step replaces them. */
  readonly stdio: readonly [number, number, number];
  /** Pipes among stdio that the command may open by name (/dev/stdout): they are given to this user. */
  readonly ownedPipes?: { readonly fds: readonly number[]; readonly uid: number } | undefined;
  /** Descriptors 3, 4, … that the command keeps. */
  readonly preserveFds?: number | undefined;
  /** The cgroup.procs file of the container's cgroup. */
  readonly cgroupProcs?: string | undefined;
  readonly oomScoreAdj?: number | undefined;
}

export interface Joined {
  /** A child of this process. */
  readonly pid: number;
  /** The master of its terminal, when the steps have one. */
  readonly master: number | undefined;
  /** The errno name of a cgroup that could not be joined. */
  readonly cgroupFailure: string | undefined;
}

/** Above stdio and whatever a command is given by --preserve-fds. */
const fdFloor = 100;

/** Returns once the command has been executed; throws the failed step's error. */
export function joinContainer(request: JoinRequest): Joined {
  const undo = new Defer();
  const close = (fd: number) => {
    undo.push(() => closeSync(fd));
    return fd;
  };
  try {
    const pidfd = close(moveUp(openProcess(request.init), fdFloor));
    const [reportRead, reportWrite] = pipe();
    const report = close(reportRead);
    const console = request.steps.some(({ kind }) => kind === 'terminal') ? socketPair(SOCK.SEQPACKET) : undefined;
    const socket = console && close(console[0]);
    const fds = { pidfd, report: moveUp(reportWrite, fdFloor), console: console ? moveUp(console[1], fdFloor) : -1 };
    const program = compileJoin(request, fds);
    const loaded = loadProgram(program);
    const first = cloneProgram(loaded, 0);
    unloadProgram(loaded);
    closeSync(fds.report);
    if (fds.console !== -1) closeSync(fds.console);
    const outcome = readReport(report);
    waitFor(first);
    if (outcome.failure) {
      if (outcome.pid !== undefined) waitFor(outcome.pid);
      throw joinError(outcome.failure, program, loaded.base, request.steps);
    }
    if (outcome.pid === undefined) throw new CtrError('START', 'cannot start the command: its process was killed');
    const master = socket === undefined ? undefined : receiveDescriptor(socket);
    return { pid: outcome.pid, master, cgroupFailure: outcome.cgroupFailure };
  } finally {
    void undo.run();
  }
}

/** pidfd_open(2); the process is known to be the right one because it is asked after the descriptor holds it. */
function openProcess(init: ProcessIdentity): number {
  const gone = (cause?: unknown) => new CtrError('STATE', 'the container has ended', { cause });
  let fd: number;
  try {
    fd = libc('syscall', 'i64', ['i64', syscallNumber('pidfd_open')], ['i64', init.pid], ['i64', 0]);
  } catch (error) {
    throw errnoOf(error) === 'ESRCH' ? gone(error) : error;
  }
  if (isAlive(init)) return fd;
  closeSync(fd);
  throw gone();
}

const namespaceFlags: Readonly<Record<string, number>> = {
  user: CLONE.NEWUSER,
  mnt: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  net: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  cgroup: CLONE.NEWCGROUP,
};

/** Those in which the process is not where we are: setns(2) into the host's own is refused. */
function flagsFor({ init, namespaces }: JoinRequest): number {
  const files = namespaces === 'user' ? ['user'] : Object.keys(namespaceFlags);
  return files.reduce((flags, file) => {
    const isOurs = readlinkSync(`/proc/self/ns/${file}`) === readlinkSync(`/proc/${init.pid}/ns/${file}`);
    return isOurs ? flags : flags | (namespaceFlags[file] ?? 0);
  }, 0);
}

interface JoinFds {
  readonly pidfd: number;
  readonly report: number;
  readonly console: number;
}

function compileJoin(request: JoinRequest, fds: JoinFds): Program {
  const program = new Program();
  const [cgroup, pid, command] = [program.variable(), program.variable(), program.label()];
  const preserved = Array.from({ length: request.preserveFds ?? 0 }, (_, index) => 3 + index);
  const console = fds.console === -1 ? [] : [fds.console];
  keepOnly(program, [fds.pidfd, fds.report, ...console, ...preserved, ...request.stdio]);
  if (request.cgroupProcs !== undefined) tryToWrite(program, request.cgroupProcs, '0', cgroup);
  if (request.oomScoreAdj !== undefined) {
    tryToWrite(program, '/proc/self/oom_score_adj', String(request.oomScoreAdj), program.variable());
  }
  program.call('prctl', [PR.SET_DUMPABLE, 0, 0, 0, 0]);
  const flags = flagsFor(request);
  if (flags !== 0) program.call('setns', [fds.pidfd, flags]);
  program.call('close', [fds.pidfd]);
  const [cloneParent, sigchld] = [0x8000, 17];
  program.call('clone', [cloneParent | sigchld, 0, 0, 0, 0], { into: pid, onZero: command });
  const message = program.words([0, 0, 0]);
  program.set(program.field(message, 0), pid);
  program.set(program.field(message, 8), cgroup);
  program.call('write', [fds.report, message, startedBytes]);
  program.call('exit_group', [0]);
  program.place(command);
  placeStdio(program, request);
  compileSteps(program, request.steps, { goFd: -1, consoleFd: fds.console, mounts: new Map() });
  program.placeFailed();
  const ended = program.label();
  program.call('write', [fds.report, failurePair, failurePairBytes], { onError: ended });
  program.place(ended);
  program.call('exit_group', [125]);
  return program;
}

function placeStdio(program: Program, { stdio, ownedPipes }: JoinRequest): void {
  for (const fd of ownedPipes?.fds ?? []) {
    const next = program.label();
    program.call('fchown', [fd, ownedPipes?.uid ?? 0, 0xffffffff], { onError: next });
    program.place(next);
  }
  stdio.forEach((fd, index) => {
    if (fd !== index) program.call('dup3', [fd, index, 0]);
  });
}

/** Write `text` to a file of the kernel; a failure is left in `result` and goes no further. */
function tryToWrite(program: Program, path: string, text: string, result: Variable): void {
  const [fd, failed] = [program.variable(), program.label()];
  program.call('openat', [AT_FDCWD, program.text(path), O.WRONLY | O.CLOEXEC, 0], { into: result, onError: failed });
  program.set(fd, result);
  program.call('write', [fd, program.text(text), text.length], { into: result, onError: failed });
  program.call('close', [fd]);
  program.place(failed);
}

const startedBytes = 24;

interface Outcome {
  readonly pid: number | undefined;
  readonly cgroupFailure: string | undefined;
  readonly failure: { readonly errno: number; readonly record: bigint } | undefined;
}

/** {pid, cgroup result, 0} and perhaps {errno, record}; only the latter when setns failed. Blocks until execve. */
function readReport(fd: number): Outcome {
  const report = Buffer.alloc(startedBytes + failurePairBytes);
  let length = 0;
  for (let got = -1; got !== 0 && length < report.length; length += got) {
    got = readSync(fd, report, length, report.length - length, null);
  }
  const isStarted = length >= startedBytes;
  const failureAt = isStarted ? startedBytes : 0;
  const cgroup = isStarted ? Number(report.readBigInt64LE(8)) : 0;
  return {
    pid: isStarted ? Number(report.readBigInt64LE(0)) : undefined,
    cgroupFailure: cgroup < 0 ? errnoName(-cgroup) : undefined,
    failure:
      length >= failureAt + failurePairBytes
        ? { errno: Number(report.readBigUInt64LE(failureAt)), record: report.readBigUInt64LE(failureAt + 8) }
        : undefined,
  };
}

function joinError(
  { errno, record }: NonNullable<Outcome['failure']>,
  program: Program,
  base: number,
  steps: readonly Step[],
): CtrError {
  const { step: index = -1, call = 'clone' } = program.stepAt(record, base) ?? {};
  const step = steps[index];
  if (!step) {
    const cause = new SyscallError(`${call}(…)`, errno);
    return new CtrError('STATE', 'cannot enter the container', { cause, hint: 'it may have ended just now' });
  }
  if (step.kind === 'chdir') {
    const cause = new SyscallError(`chdir(${JSON.stringify(step.path)})`, errno);
    return new CtrError('COMMAND_NOT_FOUND', `cannot enter the working directory ${step.path} of the container`, {
      exitCode: 127,
      cause,
    });
  }
  return startError({ step: index, call, errno }, steps);
}
