/** Start a container and stay with it: its output, its input, signals, its exit code, the clean-up, its restarts. */
import { read, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { exitCodeOf } from '../linux/clone.ts';
import { canInheritOutput, type Launched } from '../ns/launch.ts';
import { message, messageBytes } from '../ns/supervisor.ts';
import { layout } from '../storage/layout.ts';
import { finishContainer } from './finish-container.ts';
import type { RunRequest } from './run-request.ts';
import { type Connection, type ContainerToStart, startContainer } from './start-container.ts';

/** Returns the exit code for the shell: the container's own, or 0 when the user left it by the detach keys. */
export async function startAttached(host: Host, subject: ContainerToStart): Promise<number> {
  const { container, request } = subject;
  let launched = await startContainer(host, subject, connectionFor(request));
  if (request.sigProxy && !request.tty) forwardSignals(() => launched.pid);
  for (;;) {
    const outcome = request.tty ? await attached(host, container.id, request, launched) : await exitOf(launched);
    if (outcome === 'detached') return 0;
    const { restart } = await finishContainer(host, container);
    sayBye(launched);
    if (!restart) return outcome;
    const { waitForRestart } = await import('./restart-pause.ts');
    const runs = await waitForRestart(host, container.id, restart);
    if (!runs) return outcome;
    launched = await startContainer(host, { ...subject, runs }, connectionFor(request));
  }
}

/** Only after the clean-up: until here the death of ctr makes the supervisor clean up instead. */
function sayBye({ bye }: Launched): void {
  try {
    writeSync(bye, 'b');
  } catch {
    // EPIPE: the supervisor was killed. There is nobody left to clean up twice.
  }
}

/**
 * Output goes straight to ctr's own stdout and stderr when nobody can ask for it later (--rm) and neither is a
 * terminal; otherwise the supervisor copies it, into the log as well.
 */
function connectionFor(request: RunRequest): Connection {
  const stdin = request.interactive ? 'inherit' : 'null';
  if (request.tty) return { stdin, output: 'capture', tee: false, consoleSize: windowSize() };
  if (request.remove && canInheritOutput()) return { stdin, output: 'inherit', tee: false };
  return { stdin, output: 'capture', tee: true };
}

function windowSize(): Connection['consoleSize'] {
  const { WriteStream } = process.getBuiltinModule('node:tty');
  const stdout = process.stdout instanceof WriteStream ? process.stdout : undefined;
  return stdout ? { height: stdout.rows, width: stdout.columns } : undefined;
}

async function attached(host: Host, id: string, request: RunRequest, launched: Launched): Promise<number | 'detached'> {
  const { attachTerminal } = await import('./attach-terminal.ts');
  return attachTerminal({
    directory: layout.runContainer(host, id),
    detachKeys: request.detachKeys,
    input: request.interactive,
    exited: exitOf(launched),
  });
}

/** Resolves with the exit code when the supervisor reports the end. */
function exitOf({ up }: Launched): Promise<number> {
  const report = Buffer.alloc(messageBytes);
  return new Promise((resolve, reject) => {
    read(up, report, 0, messageBytes, null, (error, got) => {
      if (error) reject(error);
      // A supervisor that was killed says nothing: its container died of SIGKILL with it, or is beyond our reach.
      else if (got < messageBytes || report.readUInt32LE(0) !== message.exited) resolve(137);
      else resolve(exitCodeOf(report.readInt32LE(8)));
    });
  });
}

/** Signals that callers send on purpose; each costs 0.1 ms to catch. Keys of a terminal arrive as the first three. */
const forwarded = [
  ...(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const),
  ...(['SIGWINCH', 'SIGPWR', 'SIGIO'] as const),
];

/** Pass signals on from now on: ctr ends with the container, so this is never undone. */
function forwardSignals(pid: () => number): void {
  const pass = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid(), signal);
    } catch {
      // It has ended meanwhile: its exit is on the way.
    }
  };
  for (const name of forwarded) process.on(name, pass);
}
