import { describe, expect, it } from 'vitest';
import { parseStat, parseStatus, processesBeside } from '../../../src/linux/processes.ts';

describe('parseStat [U] proc_pid_stat(5)', () => {
  it('counts fields from the last parenthesis: a name may hold anything', () => {
    const stat = '7 (a) b (c) S 1 7 7 34816 7 0 0 0 0 0 11 22 0 0 20 5 3 0 999 4096 2 0';
    expect(parseStat(stat)).toMatchObject({
      comm: 'a) b (c',
      state: 'S',
      ttyNumber: 34816,
      cpuTicks: 33,
      nice: 5,
      threads: 3,
      startTicks: 999,
      virtualBytes: 4096,
      residentBytes: 8192,
    });
  });
});

describe('parseStatus [U] proc_pid_status(5)', () => {
  it('takes the pid of the innermost namespace, and the effective ids', () => {
    const status =
      'Name:\tx\nPPid:\t40\nUid:\t100\t101\t100\t100\nGid:\t5\t6\t5\t5\nGroups:\t1 2 \nNSpid:\t41\t1\nNSpgid:\t41\t1\nNSsid:\t41\t1\nCapEff:\t00ff\nSeccomp:\t2\n';
    expect(parseStatus(status)).toMatchObject({ pid: 1, ppid: 40, uid: [100, 101], groups: [1, 2], seccomp: 2 });
  });
});

describe('processesBeside [U]', () => {
  it('finds this process, and in the shared namespace of the host only who descends from it', () => {
    const found = processesBeside(process.pid);
    expect(found.map(({ hostPid }) => hostPid)).toContain(process.pid);
    expect(found.map(({ hostPid }) => hostPid)).not.toContain(process.ppid);
  });
});
