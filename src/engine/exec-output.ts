/** stdio of a command without a terminal, where ctr's own is one: a container never gets the caller's terminal itself. */
import { closeSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf } from '../base/ctr-error.ts';
import { setNonBlocking } from '../linux/descriptors.ts';

/** Copy `fd` (a pipe) to ctr's `to`. The returned function copies what is left when the command has ended. */
export function copyOutput(fd: number, to: number): () => void {
  setNonBlocking(fd);
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('data', (chunk: Buffer) => writeAll(to, chunk));
  socket.on('error', () => undefined); // A pipe's read end has none that matters: its end follows.
  return () => {
    if (socket.readableEnded || socket.destroyed) return;
    socket.pause();
    const space = Buffer.alloc(65536);
    for (let got = readSome(fd, space); got > 0; got = readSome(fd, space)) writeAll(to, space.subarray(0, got));
    socket.destroy();
  };
}

/** Copy ctr's stdin to `fd`, and close it at the end. */
export function copyInput(fd: number): void {
  let isOpen = true;
  const end = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      if (isOpen) writeAll(fd, chunk);
    } catch {
      end(); // EPIPE: the command does not read any more.
    }
  });
  process.stdin.on('end', end);
}

function readSome(fd: number, space: Buffer): number {
  try {
    return readSync(fd, space);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
