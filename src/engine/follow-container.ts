/** Start a container and stay with it: its output, its input, signals, its exit code, the clean-up, its restarts. */
import { openSync, read, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { exitCodeOf } from '../linux/clone.ts';
import { canInheritOutput, type Launched } from '../ns/launch.ts';
import { message, messageBytes } from '../ns/supervisor.ts';
import { layout } from '../storage/layout.ts';
import { connectToContainer } from './connect-container.ts';
import { finishContainer } from './finish-container.ts';
import type { RunRequest } from './run-request.ts';
import type { AttachedStream } from './sandbox-request.ts';
import { forwardSignals } from './signal-proxy.ts';
import { type Connection, type ContainerToStart, startContainer } from './start-container.ts';

/** Returns the exit code for the shell: the container's own, or 0 when the user left it by the detach keys. */
export async function startAttached(host: Host, subject: ContainerToStart): Promise<number> {
  const { container, request } = subject;
  let connection = connectionFor(request);
  let pid: number | undefined;
  // As early as a signal that ends ctr would leave the container alone.
  const underway = () => forwardSignals(() => pid);
  const first = request.sigProxy && !request.tty ? { ...connection, underway } : connection;
  let launched = await startContainer(host, subject, first);
  pid = launched.pid;
  // Not waited for: with `healthy` it may never come.
  if (host.env.NOTIFY_SOCKET)
    void import('./sd-notify.ts').then((sd) => sd.announce(host, { id: container.id, request }, launched, false));
  // Root of a map of its own may not delete what belongs to the caller.
  const canRemove = request.remove && !container.ownerKind.startsWith('x');
  const userNamespace = canRemove ? userNamespaceOf(launched) : undefined;
  for (;;) {
    const outcome = isShownByCtr(request)
      ? await attached(host, container.id, request, connection)
      : await exitOf(launched);
    if (outcome === 'detached') return 0;
    // A supervisor that was killed says nothing: its container died of SIGKILL with it, or is beyond our reach.
    const code = outcome === 'lost' ? 137 : outcome;
    const { restart } = await finishContainer(host, container, userNamespace);
    sayBye(launched);
    if (!restart) return advised(host, subject, code);
    const { waitForRestart } = await import('./restart-pause.ts');
    const runs = await waitForRestart(host, container.id, restart);
    if (!runs) return advised(host, subject, code);
    connection = connectionFor(request);
    launched = await startContainer(host, { ...subject, runs }, connection);
    pid = launched.pid;
  }
}

/** A command of its own accord (no signal, no shell that a person worked in) may have failed by a bind mount. */
async function advised(host: Host, subject: ContainerToStart, code: number): Promise<number> {
  const { mounts, tty } = subject.request;
  if (code === 0 || code >= 128 || tty || !mounts.some(({ type }) => type === 'bind')) return code;
  const { adviseOnRun } = await import('./advise-on-binds.ts');
  adviseOnRun(host, subject);
  return code;
}

/** Undefined when the container has ended already, and its namespaces with it. */
function userNamespaceOf({ pid }: Launched): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch {
    return undefined;
  }
}

/** Only after the clean-up: until here the death of ctr makes the supervisor clean up instead. */
export function sayBye({ bye }: Launched): void {
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
function connectionFor(request: RunRequest): FollowedConnection {
  const stdin = request.interactive && isAttached(request, 'stdin') ? 'inherit' : 'null';
  if (isShownByCtr(request)) return terminalConnection(stdin);
  if (request.remove && canInheritOutput()) return { stdin, output: 'inherit', tee: false };
  return { stdin, output: 'capture', tee: true };
}

/** podman-run(1) --attach. */
const isAttached = ({ attach }: RunRequest, stream: AttachedStream) => attach?.includes(stream) ?? true;

/** A terminal's output, and a choice of streams: ctr is a client of the supervisor then. */
const isShownByCtr = (request: RunRequest) =>
  request.tty || !isAttached(request, 'stdout') || !isAttached(request, 'stderr');

interface FollowedConnection extends Connection {
  /** To the supervisor, with a terminal: made before the container begins, so that no output is missed. */
  socket?: number;
}

function terminalConnection(stdin: Connection['stdin']): FollowedConnection {
  const { WriteStream } = process.getBuiltinModule('node:tty');
  const stdout = process.stdout instanceof WriteStream ? process.stdout : undefined;
  const connection: FollowedConnection = {
    stdin,
    output: 'capture',
    tee: false,
    consoleSize: stdout ? { height: stdout.rows, width: stdout.columns } : undefined,
    listening(directory) {
      connection.socket = connectToContainer(directory);
    },
  };
  return connection;
}

async function attached(host: Host, id: string, request: RunRequest, { socket }: FollowedConnection) {
  const { attachTerminal } = await import('./attach-terminal.ts');
  return attachTerminal({
    directory: layout.runContainer(host, id),
    connection: socket,
    detachKeys: request.detachKeys,
    input: request.tty && request.interactive && isAttached(request, 'stdin'),
    terminal: request.tty,
    streams: request.attach,
  });
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
