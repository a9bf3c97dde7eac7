/**
 * Map a program and run it in a new process: the only way code of ours runs before an exec.
 *
 * No JavaScript may run in the child: V8 marks its heap MADV_DONTFORK and the child has one thread. The child executes
 * the interpreter (two mappings of ours: code r-x, program rw-) and ends in execve or exit.
 */
import { CtrError } from '../base/ctr-error.ts';
import { CLONE, MAP, PROT } from './constants.ts';
import { libc } from './ffi.ts';
import { interpreterCode } from './interpreter/record.ts';
import type { Program } from './program.ts';

const pageBytes = 4096;
/** glibc's clone() pushes the argument; the interpreter itself uses no stack. */
const stackBytes = 4096;
const pages = (bytes: number) => Math.ceil(bytes / pageBytes) * pageBytes;

export interface LoadedProgram {
  readonly program: Program;
  /** Address of the header. */
  readonly base: number;
  readonly sizeBytes: number;
  readonly code: number;
  readonly stackTop: number;
}

function map(bytes: number, flags: number): number {
  const prot = PROT.READ | PROT.WRITE;
  return libc(
    'mmap',
    'i64',
    ['i64', 0],
    ['i64', bytes],
    ['i32', prot],
    ['i32', MAP.PRIVATE | MAP.ANONYMOUS | flags],
    ['i32', -1],
    ['i64', 0],
  );
}

/** Where a program of `sizeBytes` would be mapped: for programs that need to know their own address (munmap). */
export interface Mapping {
  readonly base: number;
  readonly sizeBytes: number;
  readonly code: number;
}

let codeAddress: number | undefined;

function mapCode(): number {
  if (codeAddress !== undefined) return codeAddress;
  const code = interpreterCode();
  const address = map(pageBytes, 0);
  libc('memcpy', 'i64', ['i64', address], ['buf', code], ['i64', code.length]);
  libc('mprotect', 'i32', ['i64', address], ['i64', pageBytes], ['i32', PROT.READ | PROT.EXEC]);
  codeAddress = address;
  return address;
}

/** Reserve memory for a program of up to `sizeBytes` (one page of stack is added above it). */
export function reserve(sizeBytes: number, flags = 0): Mapping {
  const bytes = pages(sizeBytes) + stackBytes;
  return { base: map(bytes, flags), sizeBytes: bytes, code: mapCode() };
}

/** Memory for a program that its process is sent later. Pages that are not used cost nothing. */
export function reserveForLater(sizeBytes: number): Mapping {
  return reserve(sizeBytes, MAP.NORESERVE);
}

/** Assemble `program` into `mapping`. */
export function loadProgram(program: Program, mapping: Mapping = reserve(program.sizeBytes)): LoadedProgram {
  const image = assembleFor(program, mapping);
  libc('memcpy', 'i64', ['i64', mapping.base], ['buf', image], ['i64', image.length]);
  return { program, ...mapping, stackTop: mapping.base + mapping.sizeBytes - 16 };
}

/** The bytes of `program` in `mapping`. */
export function assembleFor(program: Program, mapping: Mapping): Buffer {
  const image = program.assemble(mapping.base);
  if (image.length <= mapping.sizeBytes - stackBytes) return image;
  throw new CtrError('USAGE', 'the command and its environment are too long', {
    hint: 'execve(2) takes 2 MiB of them',
  });
}

/** clone(2): run a loaded program in a child; `flags` without a signal number gets SIGCHLD. Returns its pid. */
export function cloneProgram(loaded: LoadedProgram, flags: number): number {
  const sigchld = 17;
  return libc(
    'clone',
    'i32',
    ['i64', loaded.code],
    ['i64', loaded.stackTop],
    ['i32', flags | sigchld],
    ['i64', loaded.base],
  );
}

/** Run a short program as vfork(2) would: memory shared, this thread stopped until it execs or exits. Returns its pid. */
export function vforkProgram(loaded: LoadedProgram): number {
  return cloneProgram(loaded, CLONE.VM | CLONE.VFORK);
}

/** The same without stopping this thread: the program has to stay loaded until its process executes something. */
export function spawnProgram(loaded: LoadedProgram): number {
  return cloneProgram(loaded, CLONE.VM);
}

/**
 * The ranges that a supervisor must keep, sorted: its programs, the interpreter, and the pages around the thread's
 * control block, where glibc registered the rseq area that the kernel writes to at every preemption. rseq(2)
 */
export function keptRanges(...mappings: readonly Mapping[]): Array<{ start: number; end: number }> {
  const self = libc('pthread_self', 'i64');
  const page = self - (self % pageBytes);
  const code = mapCode();
  const kept = [
    ...mappings.map(({ base, sizeBytes }) => ({ start: base, end: base + sizeBytes })),
    { start: code, end: code + pageBytes },
    { start: page - pageBytes, end: page + 2 * pageBytes },
  ];
  return kept.sort((a, b) => a.start - b.start);
}

export function unloadProgram(loaded: Mapping): void {
  libc('munmap', 'i32', ['i64', loaded.base], ['i64', loaded.sizeBytes]);
}

/** wait4(2) for one child, blocking; returns the raw wait status. */
export function waitFor(pid: number): number {
  const status = Buffer.alloc(4);
  libc('wait4', 'i32', ['i32', pid], ['buf', status], ['i32', 0], ['i64', 0]);
  return status.readInt32LE();
}

/** The exit code that a shell would show for a wait status: 128+n for a signal. */
export function exitCodeOf(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}
