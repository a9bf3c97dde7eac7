/** `ctr run`: create → start → attach → wait → clean up. */
import { closeSync, read, rmSync, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { exitCodeOf } from '../linux/clone.ts';
import type { Launched } from '../ns/launch.ts';
import { canInheritOutput } from '../ns/launch.ts';
import { message, messageBytes } from '../ns/supervisor.ts';
import { layout } from '../storage/layout.ts';
import { createContainer } from './create-container.ts';
import type { PullWatch } from './pull.ts';
import { deleteContainer } from './remove-container.ts';
import type { RunRequest } from './run-request.ts';
import { type Connection, startContainer } from './start-container.ts';

/** The caller's side of a foreground container. */
export interface Terminal {
  readonly stdinIsTty: boolean;
  readonly stdout: { readonly isTty: boolean; columns(): number | undefined; write(text: string): void };
  readonly watchPull?: (() => PullWatch) | undefined;
}

/** Returns the exit code for the shell: the container's own, or 0 with `--detach`. */
export async function runContainer(host: Host, request: RunRequest, terminal: Terminal): Promise<number> {
  const created = await createContainer(host, request, terminal.watchPull);
  const { container } = created;
  let launched: Launched;
  try {
    launched = await startContainer(host, { ...created, request }, connectionFor(request));
  } catch (error) {
    if (request.remove) await deleteContainer(host, container.id);
    else rmSync(layout.runContainer(host, container.id), { recursive: true, force: true });
    throw error;
  }
  if (request.detach) {
    closeSync(launched.up);
    closeSync(launched.bye);
    terminal.stdout.write(`${container.id}\n`);
    return 0;
  }
  const outcome = request.tty ? await attached(host, container.id, request, launched) : await waited(request, launched);
  if (outcome === 'detached') return 0;
  await cleanUp(host, container.id, request);
  sayBye(launched);
  return outcome;
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
  if (request.detach) {
    return { stdin: request.interactive ? 'attached' : 'null', output: 'capture', tee: false };
  }
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

async function waited(request: RunRequest, launched: Launched): Promise<number> {
  if (request.sigProxy) forwardSignals(launched.pid);
  return exitOf(launched);
}

/** Resolves with the exit code when the supervisor reports the end. */
export function exitOf({ up }: Launched): Promise<number> {
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

/** Pass signals on to `pid` from now on: ctr ends with the container, so this is never undone. */
function forwardSignals(pid: number): void {
  const pass = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile: its exit is on the way.
    }
  };
  for (const name of forwarded) process.on(name, pass);
}

async function cleanUp(host: Host, id: string, request: RunRequest): Promise<void> {
  if (request.remove) return deleteContainer(host, id);
  rmSync(layout.runContainer(host, id), { recursive: true, force: true });
}
