/** What ctr assumes of Node itself. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const inFreshNode = (script: string) =>
  execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

describe('this Node [P]', () => {
  it('keeps V8 heap pages out of children (VmFlags "dc"): no JavaScript may run after a fork', () => {
    expect(readFileSync('/proc/self/smaps', 'latin1')).toMatch(/^VmFlags:.*\bdc\b/m);
  });

  it('has several threads, so that unshare(CLONE_NEWUSER) is refused in it (EINVAL)', () => {
    const threads = /^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    expect(Number(threads)).toBeGreaterThan(1);
  });

  it('sets close-on-exec on its standard descriptors, which a program has to clear before exec', () => {
    const flags = inFreshNode("process.stdout.write(require('fs').readFileSync('/proc/self/fdinfo/0', 'latin1'))");
    const octal = /^flags:\s+(\d+)/m.exec(flags)?.[1] ?? '0';
    expect(Number.parseInt(octal, 8) & 0o2000000).toBe(0o2000000);
  });

  it('has the compile cache and zstd', () => {
    const script =
      "process.stdout.write(typeof require('module').enableCompileCache + typeof require('zlib').zstdDecompressSync)";
    expect(inFreshNode(script)).toBe('functionfunction');
  });
});
