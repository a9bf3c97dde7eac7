/** The arm64 interpreter, executed: a program in a static ELF file of our own, under qemu's user emulation. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arm64Code } from '../../src/linux/interpreter/arm64.ts';
import { failurePair, failurePairBytes, Program } from '../../src/linux/program.ts';

const qemu = ['qemu-aarch64-static', 'qemu-aarch64'].find((name) => spawnSync(name, ['--version']).status === 0);
const base = 0x400000;
const programOffset = 0x1000;

/** An executable that enters the interpreter with x0 = the program's address, as clone(2)'s child does. */
function executable(program: Program): Buffer {
  const programAddress = base + programOffset;
  const entry = Buffer.alloc(8);
  entry.writeUInt32LE((0xd2800000 | ((programAddress & 0xffff) << 5)) >>> 0, 0); // movz x0, #low
  entry.writeUInt32LE((0xf2a00000 | ((programAddress >>> 16) << 5)) >>> 0, 4); // movk x0, #high, lsl 16
  const code = Buffer.concat([entry, arm64Code]);
  const image = program.assemble(programAddress);
  const size = programOffset + image.length;
  const header = Buffer.alloc(120);
  header.write('7f454c46020101', 0, 'hex');
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(183, 18); // EM_AARCH64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + header.length), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(7, 68); // rwx
  header.writeBigUInt64LE(BigInt(base), 80);
  header.writeBigUInt64LE(BigInt(base), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(4096n, 112);
  const file = Buffer.alloc(size);
  file.set(header, 0);
  file.set(code, header.length);
  file.set(image, programOffset);
  return file;
}

function run(build: (program: Program) => void): { status: number | null; stdout: string } {
  const program = new Program('arm64');
  build(program);
  program.call('exit_group', [0]);
  program.placeFailed();
  program.call('write', [1, failurePair, failurePairBytes]);
  program.call('exit_group', [99]);
  const file = join(mkdtempSync(join(tmpdir(), 'ctr-arm64-')), 'program');
  writeFileSync(file, executable(program), { mode: 0o755 });
  const { status, stdout } = spawnSync(qemu ?? '', [file], { timeout: 20_000 });
  return { status, stdout: stdout.toString('latin1') };
}

describe.skipIf(qemu === undefined)('the arm64 interpreter under qemu-user [P]', () => {
  it('makes system calls, loops, and passes results on', () => {
    const outcome = run((program) => {
      const [count, again, done] = [program.variable(), program.label(), program.label()];
      program.place(again);
      program.compare(count, 3, { equal: done });
      program.call('write', [1, program.text('arm64 '), 6]);
      program.add(count, 1, count);
      program.jump(again);
      program.place(done);
    });
    expect(outcome).toEqual({ status: 0, stdout: 'arm64 arm64 arm64 ' });
  });

  it('takes the child’s side of clone where the result is 0', () => {
    const outcome = run((program) => {
      const [child, pid] = [program.label(), program.variable()];
      program.call('clone', [17, 0, 0, 0, 0], { into: pid, onZero: child });
      program.call('wait4', [pid, 0, 0, 0]);
      program.call('write', [1, program.text('parent'), 6]);
      program.call('exit_group', [0]);
      program.place(child);
      program.call('write', [1, program.text('child '), 6]);
    });
    expect(outcome).toEqual({ status: 0, stdout: 'child parent' });
  });

  it('subtracts, loads, compares as signed, and reports an unhandled errno', () => {
    const outcome = run((program) => {
      const [five, less] = [program.variable(5), program.label()];
      program.subtract(five, 7, five);
      program.compare(five, -1, { less });
      program.call('exit_group', [1]);
      program.place(less);
      program.call('close', [five]);
    });
    expect(outcome.status).toBe(99);
    expect(Buffer.from(outcome.stdout, 'latin1').readBigUInt64LE(0)).toBe(9n);
  });
});
