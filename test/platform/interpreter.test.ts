import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cloneProgram, exitCodeOf, loadProgram, vforkProgram, waitFor } from '../../src/linux/clone.ts';
import { O } from '../../src/linux/constants.ts';
import { arm64Code, arm64Source } from '../../src/linux/interpreter/arm64.ts';
import { x64Code, x64Source } from '../../src/linux/interpreter/x64.ts';
import { failurePair, failurePairBytes, Program } from '../../src/linux/program.ts';

const has = (tool: string) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

function assembled(source: string, prefix: string): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'ctr-as-'));
  writeFileSync(join(dir, 'i.s'), source);
  execFileSync(`${prefix}as`, ['i.s', '-o', 'i.o'], { cwd: dir });
  execFileSync(`${prefix}objcopy`, ['-O', 'binary', '-j', '.text', 'i.o', 'i.bin'], { cwd: dir });
  return readFileSync(join(dir, 'i.bin'));
}

/** A program that runs `build` and exits 0; a failure is written to `out` as {errno, record}. */
function run(build: (program: Program, out: string) => void): { code: number; out: Buffer } {
  const out = join(mkdtempSync(join(tmpdir(), 'ctr-program-')), 'out');
  writeFileSync(out, '');
  const program = new Program();
  build(program, out);
  program.call('exit_group', [0]);
  program.placeFailed();
  const fd = program.variable();
  program.call('openat', [-100, program.text(out), O.WRONLY, 0], { into: fd });
  program.call('write', [fd, failurePair, failurePairBytes]);
  program.call('exit_group', [99]);
  const code = exitCodeOf(waitFor(cloneProgram(loadProgram(program), 0)));
  return { code, out: readFileSync(out) };
}

describe('the interpreter [P]', () => {
  it.skipIf(!has('as') || process.arch !== 'x64')('x86-64 bytes are what as makes of the source', () => {
    expect(assembled(x64Source, '')).toEqual(x64Code);
  });
  it.skipIf(!has('aarch64-linux-gnu-as'))('arm64 bytes are what as makes of the source', () => {
    expect(assembled(arm64Source, 'aarch64-linux-gnu-')).toEqual(arm64Code);
  });

  it('keeps results in variables and passes them on', () => {
    const { code, out } = run((program, path) => {
      const fd = program.variable();
      program.call('openat', [-100, program.text(path), O.WRONLY, 0], { into: fd });
      program.call('write', [fd, program.text('hello'), 5]);
    });
    expect([code, out.toString()]).toEqual([0, 'hello']);
  });

  it('loops with compare and add', () => {
    const { out } = run((program, path) => {
      const [fd, count] = [program.variable(), program.variable()];
      const [again, done] = [program.label(), program.label()];
      program.call('openat', [-100, program.text(path), O.WRONLY, 0], { into: fd });
      program.place(again);
      program.compare(count, 3, { equal: done });
      program.call('write', [fd, program.text('x'), 1]);
      program.add(count, 1, count);
      program.jump(again);
      program.place(done);
    });
    expect(out.toString()).toBe('xxx');
  });

  it('goes to onError with a negative result and to onZero with 0', () => {
    const { code } = run((program) => {
      const [failed, zero] = [program.label(), program.label()];
      program.call('close', [-1], { onError: failed });
      program.call('exit_group', [1]);
      program.place(failed);
      program.call('umask', [0]);
      program.call('umask', [0], { onZero: zero });
      program.call('exit_group', [2]);
      program.place(zero);
    });
    expect(code).toBe(0);
  });

  it('tells errno and record of a failure that nobody handles', () => {
    let program = new Program();
    const { code, out } = run((built) => {
      program = built;
      built.beginStep(7);
      built.call('getppid');
      built.call('chdir', [built.text('/no/such/place')]);
    });
    expect(code).toBe(99);
    expect(out.readBigInt64LE(0)).toBe(2n);
    expect(program.listing()[1]).toEqual({ step: 7, call: 'chdir' });
  });

  it('runs as vfork does: back here once the child has ended', () => {
    const program = new Program();
    program.call('exit_group', [42]);
    program.placeFailed();
    expect(exitCodeOf(waitFor(vforkProgram(loadProgram(program))))).toBe(42);
  });
});
