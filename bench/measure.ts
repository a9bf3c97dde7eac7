/** Time and memory of one command, measured from outside: no tool is trusted to report on itself. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { UserIdentity } from '../test/support/run-as.ts';
import { processesOf } from '../test/support/user.ts';

export interface Subject {
  readonly label: string;
  readonly argv: readonly string[];
  /** Not timed: what there has to be before the first round. */
  readonly prepare?: readonly string[];
  /** Not timed: what makes the next round like the first. */
  readonly reset?: readonly string[] | (() => void);
  /** Not timed: what clears up after the last round. */
  readonly finish?: readonly string[];
}

export interface Place {
  readonly user: UserIdentity;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Milliseconds from spawn to exit; throws when the command fails: a fast failure is no result. */
export async function timed(place: Place, argv: readonly string[]): Promise<number> {
  return (await finished(place, argv, 'ignore')).ms;
}

/** What the command writes to stdout; throws as `timed` does. */
export async function outputOf(place: Place, argv: readonly string[]): Promise<string> {
  return (await finished(place, argv, 'pipe')).stdout;
}

function finished(place: Place, argv: readonly string[], stdio: 'ignore' | 'pipe') {
  const [program = '', ...args] = argv;
  const begin = process.hrtime.bigint();
  // Node changes to the user itself between fork and exec: no setpriv in the time that is measured.
  const identity = process.getuid?.() === place.user.uid ? {} : { uid: place.user.uid, gid: place.user.gid };
  const child = spawn(program, args, {
    ...identity,
    env: place.env,
    cwd: place.cwd,
    stdio: ['ignore', stdio, 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise<{ ms: number; stdout: string }>((resolve, reject) => {
    let ms = 0;
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      ms = Number(process.hrtime.bigint() - begin) / 1e6;
      if (code === 0 && stdio === 'ignore') resolve({ ms, stdout });
      else if (code !== 0) {
        setTimeout(() => reject(new Error(`${argv.join(' ')} ended with ${code ?? signal}: ${stderr}`)), 50);
      }
    });
    // All of its output has come only now.
    child.once('close', () => resolve({ ms, stdout }));
  });
}

/** The peak of the sum of PSS over the user's processes while `argv` runs, above what they had before, in bytes. */
export async function peakMemory(place: Place, argv: readonly string[]): Promise<number> {
  const before = pssOf(processesOf(place.user));
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, pssOf(processesOf(place.user)));
  }, 20);
  try {
    await timed(place, argv);
  } finally {
    clearInterval(timer);
  }
  return Math.max(0, peak - before);
}

function pssOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + pssOfOne(pid), 0);
}

function pssOfOne(pid: number): number {
  try {
    return 1024 * Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // ended meanwhile, or not ours to look at
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1, middle + 1);
  return (low + high) / 2;
}
