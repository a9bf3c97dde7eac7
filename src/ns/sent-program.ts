/**
 * A program that its process is sent when it may go on: the length in bytes, then the bytes, over a pipe. End of file
 * means that ctr is gone: the process leaves quietly, nothing has been changed yet.
 */
import { writeSync } from 'node:fs';
import type { Program } from '../linux/program.ts';

const lengthBytes = 8;

/** Append: read a program from `fd` to the memory at `base`, and go on in it. */
export function receiveProgram(program: Program, fd: number, base: number): void {
  const [more, gone, done] = [program.label(), program.label(), program.label()];
  const length = program.words([0]);
  const [left, at, got] = [program.field(length, 0), program.variable(base), program.variable()];
  program.call('read', [fd, length, lengthBytes], { onZero: gone });
  program.place(more);
  program.call('read', [fd, at, left], { into: got, onZero: gone });
  program.add(at, got, at);
  program.subtract(left, got, left);
  program.compare(left, 0, { equal: done });
  program.jump(more);
  program.place(gone);
  program.call('exit_group', [125]);
  program.place(done);
  program.continueIn(base);
}

/** Returns when all is on its way; a process that has ended meanwhile says why elsewhere. */
export function sendProgram(fd: number, image: Buffer): void {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(image.length);
  try {
    writeSync(fd, length);
    for (let sent = 0; sent < image.length; ) sent += writeSync(fd, image, sent);
  } catch {
    // EPIPE: its failure, or its silence, is what counts.
  }
}
