/**
 * The holder of the user's bridge networks: one small program, no Node. Its network namespace has the bridges, its pid
 * namespace everything that serves them (pasta, aardvark-dns): when it ends, by whatever hand, the kernel ends those.
 *
 *   ctr                          holder
 *    |--clone(CLONE_NEW…)--------->| pid 1
 *    |--id maps, go--------------->| root, mounts, loopback
 *    |<--end of file---------------| waits until nobody has the lifeline
 *
 * The lifeline is a FIFO. Every supervisor of a container on a bridge network holds its write end, and every ctr that is
 * about to start one; the kernel counts them. When the last is gone the holder takes the lock under which ctr looks for
 * it, sees that there is still nobody, deletes its record and leaves.
 *
 * Should:  outlive ctr, and no container. Mustn't: hold a descriptor of ctr that is not named here.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { Defer } from '../base/defer.ts';
import { cloneProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import { AT_FDCWD, CLONE, LOCK, MS, O, PR } from '../linux/constants.ts';
import { moveUp, pipe } from '../linux/descriptors.ts';
import { failurePair, failurePairBytes, type Label, Program, type Variable } from '../linux/program.ts';
import { compileSteps, resetSignals } from './compile.ts';
import { keepOnly } from './compile-descriptors.ts';
import { type IdMaps, writeIdMaps } from './id-maps.ts';
import { loadAlone, type UnmapVariables, unmapVariables } from './shed-memory.ts';
import { startError } from './start-error.ts';
import type { Step } from './steps.ts';

export interface HolderRequest {
  readonly maps: IdMaps;
  /** A process whose user namespace is used again: the containers of a holder that was killed are in it. */
  readonly join?: number;
  /** Read end of the lifeline, write end at somebody else's. */
  readonly lifeline: number;
  /** The lock file, opened once more: its lock must not be ctr's own. */
  readonly lock: number;
  /** What says that there is a holder: deleted by it before it leaves. */
  readonly record: string;
  /** An empty file that becomes a name for the network namespace, in the holder's mounts. */
  readonly networkFile: string;
  /** What is seen in place of /etc/resolv.conf; absent where the host has no such file. */
  readonly resolvConf?: string;
}

const fdFloor = 100;

/** Returns the holder's pid; it is in its namespaces and root of them. */
export function startNetworkHolder(request: HolderRequest): number {
  const undo = new Defer();
  const close = (fd: number) => {
    undo.push(() => closeSync(fd));
    return fd;
  };
  try {
    const [goRead, goWrite] = pipe();
    const [reportRead, reportWrite] = pipe();
    const [go, report] = [close(goWrite), close(reportRead)];
    const fds = { go: moveUp(goRead, fdFloor), report: moveUp(reportWrite, fdFloor) };
    const program = new Program();
    const unmap = unmapVariables(program);
    const steps = compileHolder(program, request, fds, unmap);
    const loaded = loadAlone(program, unmap);
    const first = cloneProgram(loaded, request.join === undefined ? CLONE.NEWUSER | namespaces : 0);
    unloadProgram(loaded);
    closeSync(fds.go);
    closeSync(fds.report);
    if (request.join === undefined) writeIdMaps(first, request.maps);
    writeSync(go, 'g');
    const { pid, failure } = readReport(report);
    if (pid !== undefined || failure) waitFor(first);
    if (!failure) return pid ?? first;
    if (pid !== undefined) waitFor(pid);
    const at = program.stepAt(failure.record, loaded.base);
    const failed = { step: at?.step ?? -1, call: at?.call ?? 'clone', errno: failure.errno };
    throw startError(failed, steps);
  } finally {
    void undo.run();
  }
}

/** The pid where it was cloned once more, and {errno, record} of a failure. Blocks until the holder is ready. */
function readReport(fd: number): { pid?: number; failure?: { errno: number; record: bigint } } {
  const said = Buffer.alloc(pidBytes + failurePairBytes);
  let length = 0;
  for (let got = -1; got !== 0 && length < said.length; length += got) {
    got = readSync(fd, said, length, said.length - length, null);
  }
  const hasPid = length % failurePairBytes === pidBytes;
  const at = hasPid ? pidBytes : 0;
  return {
    ...(hasPid ? { pid: Number(said.readBigInt64LE(0)) } : {}),
    ...(length > at
      ? { failure: { errno: Number(said.readBigUInt64LE(at)), record: said.readBigUInt64LE(at + 8) } }
      : {}),
  };
}

const pidBytes = 8;
const namespaces = CLONE.NEWNS | CLONE.NEWNET | CLONE.NEWPID;

interface HolderFds {
  readonly go: number;
  readonly report: number;
}

/** Returns the steps, for the text of an error. */
export function compileHolder(
  program: Program,
  request: HolderRequest,
  fds: HolderFds,
  unmap: UnmapVariables,
): readonly Step[] {
  keepOnly(program, [fds.go, fds.report, request.lifeline, request.lock]);
  if (request.join !== undefined) cloneInside(program, request.join, fds.report);
  const steps: Step[] = [
    ...(request.join === undefined ? [{ kind: 'wait-for-maps' } as const] : []),
    { kind: 'become-root', clearGroups: request.maps.kind !== 'single' },
    { kind: 'propagation', propagation: 'rslave' },
    { kind: 'loopback-up' },
  ];
  compileSteps(program, steps, { goFd: fds.go, consoleFd: -1, mounts: new Map() });
  bind(program, '/proc/self/ns/net', request.networkFile);
  if (request.resolvConf !== undefined) bind(program, request.resolvConf, '/etc/resolv.conf');
  beAlone(program, unmap);
  program.call('close', [fds.go]);
  program.call('close', [fds.report]);
  untilUnused(program, request);
  program.placeFailed();
  const ended = program.label();
  program.call('write', [fds.report, failurePair, failurePairBytes], { onError: ended });
  program.place(ended);
  program.call('exit_group', [125]);
  return steps;
}

/** A second clone, because only a child can be in a new pid namespace, and the first may only then have the rights. */
function cloneInside(program: Program, join: number, report: number): void {
  const [user, pid, holder] = [program.variable(), program.variable(), program.label()];
  const sigchld = 17;
  program.call('openat', [AT_FDCWD, program.text(`/proc/${join}/ns/user`), O.RDONLY | O.CLOEXEC, 0], { into: user });
  program.call('setns', [user, CLONE.NEWUSER]);
  program.call('close', [user]);
  program.call('clone', [namespaces | CLONE.PARENT | sigchld, 0, 0, 0, 0], { into: pid, onZero: holder });
  const message = program.words([0]);
  program.set(program.field(message, 0), pid);
  program.call('write', [report, message, pidBytes]);
  program.call('exit_group', [0]);
  program.place(holder);
}

function bind(program: Program, source: string, target: string): void {
  program.call('mount', [program.text(source), program.text(target), 0, MS.BIND, 0]);
}

/** Children are reaped by the kernel: SIGCHLD is ignored. The change of ids has made the process undumpable. */
function beAlone(program: Program, unmap: UnmapVariables): void {
  const [idle, sigchld] = [program.variable(), 17];
  program.call('setsid');
  resetSignals(program, 'ignore');
  program.call('rt_sigaction', [sigchld, program.words([1, 0, 0, 0]), 0, 8]);
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR, 0], { into: idle });
  for (const fd of [0, 1, 2]) program.call('dup3', [idle, fd, 0]);
  program.call('close', [idle]);
  program.call('prctl', [PR.SET_NAME, program.text('ctr-net'), 0, 0, 0]);
  // Whoever owns the user namespace may look into /proc/PID/ns again. proc(5) "PR_SET_DUMPABLE"
  program.call('prctl', [PR.SET_DUMPABLE, 1, 0, 0, 0]);
  for (const [start, bytes] of unmap) program.call('munmap', [start, bytes]);
}

function untilUnused(program: Program, { lifeline, lock, record }: HolderRequest): void {
  const [wait, unused, release, busy, leave] = [
    program.label(),
    program.label(),
    program.label(),
    program.label(),
    program.label(),
  ];
  const poll = program.words([0]);
  const again: Variable = program.field(poll, 0);
  // No event is asked for: only the end of all writers is told. struct pollfd {int fd; short events, revents}
  const pollFor = (timeout: number | { data: number }, onZero?: Label) => {
    program.set(again, lifeline);
    program.call('ppoll', [poll, 1, timeout, 0, 8], { ...(onZero ? { onZero } : {}), onError: wait });
  };
  program.place(wait);
  pollFor(0);
  program.place(unused);
  program.call('flock', [lock, LOCK.EX | LOCK.NB], { onError: busy });
  pollFor(program.words([0, 0]), release);
  program.call('unlinkat', [AT_FDCWD, program.text(record), 0], { onError: leave });
  program.place(leave);
  program.call('exit_group', [0]);
  program.place(release);
  program.call('flock', [lock, LOCK.UN]);
  program.jump(wait);
  // ctr works under the lock: it may be about to start a container.
  program.place(busy);
  const pause = program.words([0, 20_000_000]);
  program.call('ppoll', [0, 0, pause, 0, 8], { onError: wait });
  program.set(program.field(pause, 8), 20_000_000);
  program.jump(wait);
}
