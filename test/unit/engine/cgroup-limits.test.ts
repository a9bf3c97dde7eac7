import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLimited, settingsFor, weightOfBlkio, weightOfShares } from '../../../src/engine/cgroup-limits.ts';

const filesOf = (limits: Parameters<typeof settingsFor>[0]) =>
  Object.fromEntries(settingsFor(limits).map(({ file, text }) => [file, text]));

describe('settingsFor [U] cgroup-v2.rst', () => {
  it('allows as much swap as memory when nothing is said of swap, as Docker does', () => {
    expect(filesOf({ memory: 64 })).toEqual({ 'memory.max': '64', 'memory.swap.max': '64' });
  });

  it('counts memory and swap together in --memory-swap', () => {
    expect(filesOf({ memory: 64, memorySwap: 100 })).toEqual({ 'memory.max': '64', 'memory.swap.max': '36' });
    expect(filesOf({ memory: 64, memorySwap: -1 })['memory.swap.max']).toBe('max');
  });

  it('writes quota and period together', () => {
    expect(filesOf({ cpuQuota: 50_000 })).toEqual({ 'cpu.max': '50000 100000' });
    expect(filesOf({ cpuPeriod: 20_000 })).toEqual({ 'cpu.max': 'max 20000' });
  });

  it('writes -1 as max', () => {
    expect(filesOf({ pids: -1 })).toEqual({ 'pids.max': 'max' });
  });

  it('takes the controller of --cgroup-conf from the file and refuses others', () => {
    expect(settingsFor({ conf: { 'memory.high': '1G' } })[0]?.controller).toBe('memory');
    expect(() => settingsFor({ conf: { 'cgroup.procs': '1' } })).toThrow('want a file of memory, cpu');
  });

  it('refuses a limit for what is no block device', () => {
    expect(() => settingsFor({ deviceLimits: [{ key: 'rbps', path: '/dev/null', value: 1 }] })).toThrow('not a block');
  });
});

describe('weights [U] runc ConvertCPUSharesToCgroupV2Value', () => {
  it.each([
    [2, 1],
    [1024, 39],
    [262_144, 10_000],
  ])('turns %i shares into weight %i', (shares, weight) => expect(weightOfShares(shares)).toBe(weight));

  it('stays within what the kernel takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 1000 }), (weight) => {
        expect(weightOfBlkio(weight)).toBeGreaterThanOrEqual(1);
        expect(weightOfBlkio(weight)).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

describe('isLimited [U]', () => {
  it('is false for a mode and a parent alone', () => {
    expect([isLimited(undefined), isLimited({ mode: 'split', parent: 'a.slice' }), isLimited({ pids: 5 })]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
