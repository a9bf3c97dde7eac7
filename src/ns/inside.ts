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
    const steps: Step[] = [...beginning(request), ...request.steps];
    const program = compileInside(steps, request, { goFd: initGo, execFd: initExec, parentFds: [go, execRead] });
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

function beginning({ maps, join }: InsideRequest): Step[] {
  const become: Step = { kind: 'become-root', clearGroups: maps.kind !== 'single' };
  if (join === undefined) return [{ kind: 'wait-for-maps' }, become, { kind: 'propagation', propagation: 'rslave' }];
  const enter = (type: string, file: string): Step => ({
    kind: 'join-namespace',
    type,
    path: `/proc/${join}/ns/${file}`,
  });
  return [{ kind: 'wait-for-maps' }, enter('user', 'user'), enter('mount', 'mnt'), become];
}

interface InsideFds {
  readonly goFd: number;
  readonly execFd: number;
  /** ctr's ends: closed here, or the death of ctr would go unnoticed. */
  readonly parentFds: readonly number[];
}

function compileInside(steps: readonly Step[], request: InsideRequest, fds: InsideFds): Program {
  const program = new Program();
  for (const fd of fds.parentFds) program.call('close', [fd]);
  request.stdio?.forEach((fd, index) => {
    if (fd !== index) program.call('dup3', [fd, index, 0]);
  });
  compileSteps(program, steps, { goFd: fds.goFd, consoleFd: -1, mounts: new Map() });
  program.call('exit_group', [0]);
  program.placeFailed();
  const ended = program.label();
  program.call('write', [fds.execFd, failurePair, failurePairBytes], { onError: ended });
  program.place(ended);
  program.call('exit_group', [125]);
  return program;
}
