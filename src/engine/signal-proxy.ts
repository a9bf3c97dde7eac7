/** Pass the caller's signals on to a process, and learn of a child's end: what a foreground command needs. */
import { exitCodeOf } from '../linux/clone.ts';
import { WNOHANG } from '../linux/constants.ts';
import { libc } from '../linux/ffi.ts';

/** Signals that callers send on purpose; each costs 0.1 ms to catch. Keys of a terminal arrive as the first three. */
const forwarded = [
  ...(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const),
  ...(['SIGWINCH', 'SIGPWR', 'SIGIO'] as const),
];

/**
 * Pass signals on from now on, to whatever `pid` gives (as soon as it gives one): ctr ends with the process, so this is never
 * undone.
 */
export function forwardSignals(pid: () => number | undefined): void {
  const pass = (signal: NodeJS.Signals) => {
    const target = pid();
    if (target === undefined) return void setImmediate(pass, signal);
    try {
      process.kill(target, signal);
    } catch {
      // It has ended meanwhile: its exit is on the way.
    }
  };
  for (const name of forwarded) process.on(name, pass);
}

/** Resolves with the exit code of a child of this process (128+n for a signal). */
export function endOfChild(pid: number): Promise<number> {
  const status = Buffer.alloc(4);
  return new Promise((resolve) => {
    const look = () => {
      if (libc('wait4', 'i32', ['i32', pid], ['buf', status], ['i32', WNOHANG], ['i64', 0]) === 0) return;
      clearInterval(awake);
      process.removeListener('SIGCHLD', look);
      resolve(exitCodeOf(status.readInt32LE()));
    };
    // A signal handler alone does not keep Node running.
    const awake = setInterval(look, 1000);
    process.on('SIGCHLD', look);
    look();
  });
}
