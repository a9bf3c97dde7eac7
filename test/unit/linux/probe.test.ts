import { describe, expect, it } from 'vitest';
import { findExecutable, readKernelFile } from '../../../src/linux/host-files.ts';
import { kernelProbes } from '../../../src/linux/probe.ts';

describe('findExecutable [U]', () => {
  it('finds a file that may be run, in the order of the path', () => {
    expect(findExecutable('sh', '/nonexistent:/bin:/usr/bin')).toBe('/bin/sh');
  });

  it('finds nothing that is not there or not executable', () => {
    expect(findExecutable('no-such-program', '/bin')).toBeUndefined();
    expect(findExecutable('passwd', '/etc')).toBeUndefined();
  });

  it('finds no directory, which has the permission too', () => {
    expect(findExecutable('bin', '/usr')).toBeUndefined();
  });
});

describe('readKernelFile [U]', () => {
  it('gives the text without its newline, and undefined for a file that is not there', () => {
    expect(readKernelFile('/proc/sys/kernel/ostype')).toBe('Linux');
    expect(readKernelFile('/proc/sys/kernel/no-such-file')).toBeUndefined();
  });
});

describe('kernelProbes [U]', () => {
  it('have distinct names', () => {
    const names = kernelProbes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
