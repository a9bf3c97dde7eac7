import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRestart } from '../../../src/engine/restart-policy.ts';

const ending = { exitCode: 1, ranMs: 50, isStopped: false, restarts: 0, quickEnds: 0 };
const always = { name: 'always', maxRetries: 0 } as const;

describe('planRestart [U] podman-run(1) "--restart"', () => {
  it('never restarts with `no`, and nothing that the user has stopped', () => {
    expect(planRestart({ name: 'no', maxRetries: 0 }, ending)).toBeUndefined();
    expect(planRestart(always, { ...ending, isStopped: true })).toBeUndefined();
  });

  it('restarts after any end with `always` and `unless-stopped`', () => {
    for (const name of ['always', 'unless-stopped'] as const) {
      expect(planRestart({ name, maxRetries: 0 }, { ...ending, exitCode: 0 })).toMatchObject({ runs: { restarts: 1 } });
    }
  });

  it('restarts after failures only with `on-failure`, as often as it says', () => {
    const policy = { name: 'on-failure', maxRetries: 2 } as const;
    expect(planRestart(policy, { ...ending, exitCode: 0 })).toBeUndefined();
    expect(planRestart(policy, { ...ending, restarts: 1 })).toBeDefined();
    expect(planRestart(policy, { ...ending, restarts: 2 })).toBeUndefined();
    expect(planRestart({ ...policy, maxRetries: 0 }, { ...ending, restarts: 1000 })).toBeDefined();
  });

  it('doubles the pause from 100 ms to a minute, and begins again after a run of ten seconds', () => {
    const pauses = [0, 1, 2, 9, 10, 500].map((quickEnds) => planRestart(always, { ...ending, quickEnds })?.afterMs);
    expect(pauses).toEqual([100, 200, 400, 51_200, 60_000, 60_000]);
    expect(planRestart(always, { ...ending, quickEnds: 9, ranMs: 10_000 })).toMatchObject({
      ...{ afterMs: 100, runs: { quickEnds: 1 } },
    });
  });

  it('counts every restart and never pauses for more than a minute', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (restarts, quickEnds, ranMs) => {
        const plan = planRestart(always, { ...ending, restarts, quickEnds, ranMs });
        expect(plan?.runs.restarts).toBe(restarts + 1);
        expect(plan?.afterMs).toBeLessThanOrEqual(60_000);
        expect(plan?.afterMs).toBeGreaterThanOrEqual(100);
      }),
    );
  });
});
