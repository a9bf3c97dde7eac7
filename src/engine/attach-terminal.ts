/**
 * A container's output and input, on the caller's own: talks to the supervisor's attach socket (ns/attach-server.ts).
 * Frames come in, the last of them with the exit status; plain bytes go out.
 */
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { CtrError } from '../base/ctr-error.ts';
import { exitCodeOf } from '../linux/clone.ts';
import { exitStream } from '../ns/attach-server.ts';
import { windowSize } from '../ns/compile-terminal.ts';
import { FrameDecoder } from '../storage/log-frames.ts';
import { followSize, forwardInput, rawMode } from './caller-terminal.ts';
import { connectToContainer, connectToSizes } from './connect-container.ts';
import { type AttachedStream, attachedStreams } from './sandbox-request.ts';

export interface AttachRequest {
  /** The container's runtime directory, where the sockets are. */
  readonly directory: string;
  /** A connection that was made before the container began (connectToContainer); a new one when absent. */
  readonly connection?: number | undefined;
  readonly detachKeys: string;
  /** Whether the caller's input goes to the container. */
  readonly input: boolean;
  /** Whether the container has a terminal: the caller's turns raw then, and its size is followed. */
  readonly terminal: boolean;
  /** What is shown; absent: everything. */
  readonly streams?: readonly AttachedStream[] | undefined;
}

/** What the session ended with: `lost` when the supervisor did not say how the container ended. */
export type AttachOutcome = number | 'detached' | 'lost';

/** Resolves when the container has ended and all of its output is written, or when the user typed the detach keys. */
export async function attachTerminal(request: AttachRequest): Promise<AttachOutcome> {
  const socket = new Socket({ fd: request.connection ?? connectToContainer(request.directory) });
  const restore = request.input && request.terminal ? rawMode() : () => {};
  const stopFollowing = request.terminal ? followSize((size) => sendSize(request.directory, size)) : () => {};
  try {
    const finished = showOutput(socket, request.streams);
    if (!request.input) return await finished;
    const pass = (bytes: Buffer) => void (socket.writable && socket.write(bytes));
    const { detached } = forwardInput(request.detachKeys, pass, () => endInput(socket, request.terminal));
    return await Promise.race([finished, detached]);
  } finally {
    stopFollowing();
    restore();
    socket.destroy();
  }
}

/** A terminal is told by Ctrl-D; a pipe that others may write to as well stays open. */
function endInput(socket: Socket, terminal: boolean): void {
  if (terminal && socket.writable) socket.write(Buffer.of(4));
}

function sendSize(directory: string, { rows, columns }: { rows: number; columns: number }): void {
  try {
    const fd = connectToSizes(directory);
    writeSync(fd, windowSize(rows, columns));
    closeSync(fd);
  } catch {
    // The container has ended: there is no size left to set.
  }
}

/** Write the frames' bytes to stdout and stderr; resolves when the supervisor has closed the connection. */
function showOutput(socket: Socket, streams: readonly AttachedStream[] = attachedStreams): Promise<number | 'lost'> {
  const shows = { stdout: streams.includes('stdout'), stderr: streams.includes('stderr') };
  const decoder = new FrameDecoder();
  let outcome: number | 'lost' = 'lost';
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      for (const { stream, payload } of decoder.push(chunk)) {
        if (stream === exitStream) outcome = exitCodeOf(payload.readInt32LE(0));
        else if (stream === 2) shows.stderr && process.stderr.write(payload);
        else if (shows.stdout) process.stdout.write(payload);
      }
    });
    socket.on('close', () => resolve(outcome));
    socket.on('error', (cause) => reject(new CtrError('STATE', 'the connection to the container is lost', { cause })));
  });
}
