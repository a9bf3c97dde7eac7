/**
 * The data that the interpreter executes (design: docs/adr/0001-syscall-programs.md).
 *
 * A record is ten 64-bit words:  nr a0 a1 a2 a3 a4 a5 dst onZero onError
 *   nr >= 0   system call nr(a0..a5)
 *             dst ≠ 0: the result is stored there (often an argument of a later record)
 *             result 0: go to onZero, if set (the child's side of clone; end of file)
 *             result -4095..-1: go to onError; if unset, store errno and record in the header and go to header.failed
 *   nr = -1   go to onZero
 *   nr = -2   compare a0 with a1 (signed): equal → onZero, less → onError
 *   nr = -3   *dst = a0 + a1
 *   nr = -4   *dst = a0 - a1
 *   nr = -5   *dst = *a0
 * In every other case the next record follows.
 *
 * The header is four words:  start failed errno record
 */
import { arm64Code } from './arm64.ts';
import { x64Code } from './x64.ts';

export const wordBytes = 8;
export const recordBytes = 10 * wordBytes;
export const headerBytes = 4 * wordBytes;

/** Word offsets inside a record. */
export const recordWords = { nr: 0, args: 1, dst: 7, onZero: 8, onError: 9 } as const;

export const pseudo = { jump: -1, compare: -2, add: -3, subtract: -4, load: -5 } as const;

/** The interpreter's machine code for this process. */
export function interpreterCode(): Buffer {
  return process.arch === 'arm64' ? arm64Code : x64Code;
}
