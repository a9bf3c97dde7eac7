/** Which process is meant, beyond its reusable number: boot id and start time (proc_pid_stat(5) field 22). */
import { readFileSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';

export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/** random(4): new with every boot. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** Undefined when there is no such process (or it is gone by now). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { bootId: bootId(), pid, startTime: stat.startTime };
}

/** Whether this very process still exists and has not ended (a zombie has). */
export function isAlive({ bootId: boot, pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !/[ZX]/.test(stat.state) && boot === bootId();
}

/**
 * As isAlive, for the first process of a pid namespace, which is seen until all others in it are gone: not one that is
 * already on its way out. proc_pid_stat(5) field 9; include/linux/sched.h PF_EXITING
 */
export function isWorking(identity: ProcessIdentity): boolean {
  const exiting = 0x4;
  return isAlive(identity) && ((readStat(identity.pid)?.flags ?? exiting) & exiting) === 0;
}

function readStat(pid: number): { state: string; flags: number; startTime: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
  // The name in parentheses may hold anything, also ") ": fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', flags: Number(fields[6]), startTime: Number(fields[19]) };
}
