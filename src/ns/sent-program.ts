/** A program that its process is sent when it may go on: the length in bytes, then the bytes, over a pipe. */
import { writeSync } from 'node:fs';
import type { Label, Program } from '../linux/program.ts';

const lengthBytes = 8;

/** Append: read a program from `fd` to the memory at `base`, and go on in it; at `gone` when ctr is. */
export function receiveProgram(program: Program, fd: number, base: number, gone: Label): void {
  const [more, done] = [program.label(), program.label()];
  const length = program.words([0]);
  const [left, at, got] = [program.field(length, 0), program.variable(base), program.variable()];
  program.call('read', [fd, length, lengthBytes], { onZero: gone, onError: gone });
  program.place(more);
  program.call('read', [fd, at, left], { into: got, onZero: gone, onError: gone });
  program.add(at, got, at);
  program.subtract(left, got, left);
  program.compare(left, 0, { equal: done });
  program.jump(more);
  program.place(done);
  program.continueIn(base);
}

/** Append: receive the first process' steps. When ctr is gone it leaves quietly: nothing has been changed yet. */
export function receiveSteps(program: Program, fd: number, base: number): void {
  const gone = program.label();
  receiveProgram(program, fd, base, gone);
  program.place(gone);
  program.call('exit_group', [125]);
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
