/**
 * Run something short in a fresh user and mount namespace with the container's id maps: a second Node that unpacks
 * layers, rm(1) for trees of subordinate ids, a probe. No supervisor: the caller waits.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { Defer } from '../base/defer.ts';
import { cloneProgram, exitCodeOf, loadProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import { CLONE } from '../linux/constants.ts';
import { moveUp, pipe } from '../linux/descriptors.ts';
import { failurePair, failurePairBytes, Program } from '../linux/program.ts';
import { compileSteps } from './compile.ts';
import { type IdMaps, writeIdMaps } from './id-maps.ts';
import { startError } from './start-error.ts';
import type { Step } from './steps.ts';

export interface InsideRequest {
  readonly maps: IdMaps;
  /** After the ids are in place; without a final `exec` the process ends with 0 when all steps are done. */
  readonly steps: readonly Step[];
  /** CLONE_NEW* flags beside user and mount. */
  readonly cloneFlags?: number;
  /** Join the user and mount namespaces of this process instead of making new ones. It has its maps already. */
  readonly join?: number;
  /** With `join`: the network namespace of this process, too. */
  readonly network?: number;
  /** With `join`: in its pid namespace, too. */
  readonly pidNamespace?: boolean;
  /** Descriptors that become stdin, stdout and stderr; ctr's own when absent. */
  readonly stdio?: readonly [number, number, number];
}

export interface Inside {
  readonly pid: number;
  /** Blocks until it ends; returns its exit code (128+n for a signal). To be called once. */
  wait(): number;
}

/** Returns once the steps have run and exec was reached (or the process has ended). Throws the failed step's error. */
export async function startInside(request: InsideRequest): Promise<Inside> {
  const undo = new Defer();
  const fdFloor = 100;
  try {
    const [goRead, go] = pipe();
    const [execRead, execWrite] = pipe();
    undo.push(() => closeSync(execRead));
    undo.push(() => closeSync(go));
    const [initGo, initExec] = [moveUp(goRead, fdFloor), moveUp(execWrite, fdFloor)];
    const before = beginning(request);
    const steps: Step[] = [...before, ...request.steps];
    const program = compileInside(steps, before.length, request, {
      goFd: initGo,
      execFd: initExec,
      parentFds: [go, execRead],
    });
    const loaded = loadProgram(program);
    const own = request.join === undefined ? CLONE.NEWUSER | CLONE.NEWNS : 0;
    const pid = cloneProgram(loaded, own | (request.cloneFlags ?? 0));
    unloadProgram(loaded);
    closeSync(initGo);
    closeSync(initExec);
    if (request.join === undefined) writeIdMaps(pid, request.maps);
    writeSync(go, 'g');
    const report = Buffer.alloc(failurePairBytes);
    if (readSync(execRead, report) === report.length) {
      waitFor(pid);
      const at = program.stepAt(report.readBigUInt64LE(8), loaded.base);
      const failure = { step: at?.step ?? -1, call: at?.call ?? 'clone', errno: Number(report.readBigUInt64LE(0)) };
      throw startError(failure, steps);
    }
    return { pid, wait: () => exitCodeOf(waitFor(pid)) };
  } finally {
    await undo.run();
  }
}

function beginning({ maps, join, network, pidNamespace }: InsideRequest): Step[] {
  const clearGroups = maps.kind !== 'single';
  const ready: Step = { kind: 'wait-for-maps' };
  if (join !== undefined) return [ready, ...joinSteps(join, { clearGroups, network, pidNamespace })];
  return [ready, { kind: 'become-root', clearGroups }, { kind: 'propagation', propagation: 'rslave' }];
}

export interface JoinedNamespaces {
  readonly clearGroups: boolean;
  /** A process of which the network namespace is joined. */
  readonly network?: number | undefined;
  /** For the children of who takes the steps. */
  readonly pidNamespace?: boolean | undefined;
}

/** Into the user and mount namespaces of process `of`, and as root of them. */
export function joinSteps(of: number, { clearGroups, network, pidNamespace }: JoinedNamespaces): Step[] {
  const enter = (type: string, file: string, pid = of): Step => ({
    kind: 'join-namespace',
    type,
    path: `/proc/${pid}/ns/${file}`,
  });
  return [
    enter('user', 'user'),
    enter('mount', 'mnt'),
    ...(network === undefined ? [] : [enter('network', 'net', network)]),
    ...(pidNamespace ? [enter('pid', 'pid')] : []),
    { kind: 'become-root', clearGroups },
  ];
}

interface InsideFds {
  readonly goFd: number;
  readonly execFd: number;
  /** ctr's ends: closed here, or the death of ctr would go unnoticed. */
  readonly parentFds: readonly number[];
}

/** The first `from` steps are those before the program is in its pid namespace. */
function compileInside(steps: readonly Step[], from: number, request: InsideRequest, fds: InsideFds): Program {
  const program = new Program();
  for (const fd of fds.parentFds) program.call('close', [fd]);
  request.stdio?.forEach((fd, index) => {
    if (fd !== index) program.call('dup3', [fd, index, 0]);
  });
  const context = { goFd: fds.goFd, consoleFd: -1, mounts: new Map() };
  compileSteps(program, steps.slice(0, from), context);
  if (request.pidNamespace) cloneIntoPidNamespace(program);
  compileSteps(program, steps, context, { from });
  program.call('exit_group', [0]);
  program.placeFailed();
  const ended = program.label();
  program.call('write', [fds.execFd, failurePair, failurePairBytes], { onError: ended });
  program.place(ended);
  program.call('exit_group', [125]);
  return program;
}

/** Only a child can be in the pid namespace that was joined; this process stays to end as the child does. */
function cloneIntoPidNamespace(program: Program): void {
  const [pid, status, child, signalled] = [program.variable(), program.words([0]), program.label(), program.label()];
  const [sigchld, shift] = [17, 256];
  program.call('clone', [sigchld, 0, 0, 0, 0], { into: pid, onZero: child });
  program.call('wait4', [pid, status, 0, 0]);
  const code = program.field(status, 0);
  // A status of n * 256 is exit code n; the interpreter cannot divide, and what matters is whether it is 0.
  program.compare(code, 0, { equal: signalled });
  program.compare(code, shift, { less: signalled });
  program.call('exit_group', [1]);
  program.place(signalled);
  program.call('exit_group', [code]);
  program.place(child);
}
