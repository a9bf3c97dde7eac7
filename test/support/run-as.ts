/**
 * Run a program to its end as a given user, and say everything about how it ended. Root changes to the user with
 * setpriv(1), which execs: the pid is the program's own, so signals reach it and nothing in between.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface UserIdentity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface RunOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** SIGKILL after this time; the outcome then says `timedOut`. */
  readonly timeoutMs?: number;
  /** Give the program a new terminal of its own (script(1)): stdout and stderr become one stream with CR LF. */
  readonly tty?: boolean;
  /** What the caller, root, puts before it: nsenter(1) and its arguments. */
  readonly within?: readonly string[];
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** What was written so far. */
  stdout(): string;
  stderr(): string;
}

/** Start `argv` as `user` (or as the caller, when the caller is not root) and do not wait. */
export function startAs(user: UserIdentity, argv: readonly string[], options: RunOptions): Running {
  const own = asUserArgv(user, options.tty === true ? inTerminal(argv) : argv);
  const [program = '', ...args] = [...(options.within ?? []), ...own];
  const child = spawn(program, args, {
    env: options.env,
    cwd: options.cwd ?? '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let timedOut = false;
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined); // EPIPE: the program does not read its input
  if (options.tty !== true || options.input !== undefined) child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs ?? 60_000);
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr), timedOut });
    });
  });
  return { child, ended, stdout: () => text(stdout), stderr: () => text(stderr) };
}

export function asUser(user: UserIdentity, argv: readonly string[], options: RunOptions): Promise<Outcome> {
  return startAs(user, argv, options).ended;
}

/** The argv that makes root become `user` first; unchanged when the caller is that user already. */
export function asUserArgv(user: UserIdentity, argv: readonly string[]): string[] {
  if (process.getuid?.() === user.uid) return [...argv];
  // By its full name: the PATH is the program's, and a test may have emptied it.
  return ['/usr/bin/setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', ...argv];
}

function inTerminal(argv: readonly string[]): string[] {
  return ['script', '--quiet', '--return', '--flush', '--command', argv.map(shellQuote).join(' '), '/dev/null'];
}

export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Wait until `condition` holds; throws with `what` in the message when it does not within the time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
