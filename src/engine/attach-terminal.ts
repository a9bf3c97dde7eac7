/**
 * The terminal of a container, on the caller's terminal: raw mode, sizes, detach keys. Talks to the supervisor's
 * attach socket (ns/attach-server.ts): frames come in, plain bytes go out.
 */
import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { ReadStream, WriteStream } from 'node:tty';
import { CtrError } from '../base/ctr-error.ts';
import { SOCK } from '../linux/constants.ts';
import { connectedSocket } from '../linux/descriptors.ts';
import { FrameDecoder } from '../storage/log-frames.ts';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';

export interface AttachRequest {
  /** The container's runtime directory, where the sockets are. */
  readonly directory: string;
  readonly detachKeys: string;
  /** Whether the caller's input goes to the container. */
  readonly input: boolean;
  /** Resolves with the exit code. */
  readonly exited: Promise<number>;
}

/** The exit code, or `detached` when the user typed the detach keys. */
export async function attachTerminal(request: AttachRequest): Promise<number | 'detached'> {
  const directory = openSync(request.directory, 'r');
  const path = `/proc/self/fd/${directory}`;
  const socket = connect(`${path}/attach`);
  const restore = rawMode(request.input);
  try {
    const size = followSize(`${path}/size`);
    const detached = request.input ? forwardInput(socket, request.detachKeys) : new Promise<never>(() => {});
    const finished = showOutput(socket);
    const outcome = await Promise.race([request.exited.then((code) => finished.then(() => code)), detached]);
    size.stop();
    return outcome;
  } finally {
    restore();
    socket.destroy();
    closeSync(directory);
  }
}

/** Raw mode until the returned function is called; nothing when stdin is no terminal. */
function rawMode(input: boolean): () => void {
  const { stdin } = process;
  if (!input || !(stdin instanceof ReadStream)) return () => {};
  stdin.setRawMode(true);
  return () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** Send struct winsize now and at every SIGWINCH. */
function followSize(path: string): { stop(): void } {
  const { stdout } = process;
  if (!(stdout instanceof WriteStream)) return { stop() {} };
  const send = () => {
    try {
      sendSize(path, stdout.rows, stdout.columns);
    } catch {
      // The container has ended: there is no size left to set.
    }
  };
  send();
  stdout.on('resize', send);
  return { stop: () => void stdout.removeListener('resize', send) };
}

function sendSize(path: string, rows: number, columns: number): void {
  const fd = connectedSocket(SOCK.DGRAM, path);
  try {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    process.getBuiltinModule('node:fs').writeSync(fd, size);
  } finally {
    closeSync(fd);
  }
}

function forwardInput(socket: Socket, detachKeys: string): Promise<'detached'> {
  const scanner = new DetachScanner(parseDetachKeys(detachKeys));
  return new Promise((resolve) => {
    process.stdin.on('data', (chunk: Buffer) => {
      const { pass, detached } = scanner.scan(chunk);
      if (pass.length > 0 && socket.writable) socket.write(pass);
      if (detached) resolve('detached');
    });
    process.stdin.resume();
  });
}

/** Write the frames' bytes to stdout; resolves when the supervisor has closed the connection. */
function showOutput(socket: Socket): Promise<void> {
  const decoder = new FrameDecoder();
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) process.stdout.write(frame.payload);
    });
    socket.on('close', () => resolve());
    socket.on('error', (cause) => reject(new CtrError('STATE', 'lost the container’s terminal', { cause })));
  });
}
