import { describe, expect, it } from 'vitest';
import { healthPlanFor } from '../../../src/engine/healthcheck.ts';
import { judge } from '../../../src/engine/healthcheck-run.ts';
import type { ContainerHealth } from '../../../src/storage/container-health.ts';
import { runRequestOf } from '../../support/run-request.ts';

const entry = (ExitCode: number) => ({ Start: 's', End: 'e', ExitCode, Output: '' });
const starting: ContainerHealth = { Status: 'starting', FailingStreak: 0, Log: [] };
const judged = (codes: readonly number[], rule: { retries: number; isStarting: boolean }, from = starting) =>
  codes.reduce((health, code) => judge(health, entry(code), { ...rule, logCount: 5 }), from);

describe('judge [U] docs.docker.com "HEALTHCHECK"', () => {
  const rule = { retries: 3, isStarting: false };

  it('is healthy after one success', () => {
    expect(judged([0], rule)).toMatchObject({ Status: 'healthy', FailingStreak: 0 });
  });

  it('is unhealthy after as many failures in a row as there are retries, not before', () => {
    expect(judged([1, 1], rule)).toMatchObject({ Status: 'starting', FailingStreak: 2 });
    expect(judged([1, 1, 1], rule)).toMatchObject({ Status: 'unhealthy', FailingStreak: 3 });
    expect(judged([0, 1, 1, 0, 1, 1], rule)).toMatchObject({ Status: 'healthy', FailingStreak: 2 });
  });

  it('counts no failure in the start period, until a success ended it', () => {
    const inStart = { retries: 1, isStarting: true };
    expect(judged([1, 1, 1], inStart)).toMatchObject({ Status: 'starting', FailingStreak: 0 });
    expect(judged([1, 0, 1], inStart)).toMatchObject({ Status: 'unhealthy' });
  });

  it('keeps the last five answers', () => {
    expect(judged([0, 1, 2, 3, 4, 5, 6], rule).Log.map(({ ExitCode }) => ExitCode)).toEqual([2, 3, 4, 5, 6]);
  });
});

describe('healthPlanFor [U] podman-run(1) "--health-cmd"', () => {
  const health = (...flags: readonly string[]) => runRequestOf([...flags, 'alpine']).health;
  const image = { Healthcheck: { Test: ['CMD', 'curl', 'x'], Interval: 5e9, Retries: 7 } };

  it('is none without a command anywhere, with --no-healthcheck, and with the image’s NONE', () => {
    expect(healthPlanFor(health(), {})).toBeUndefined();
    expect(healthPlanFor(health('--no-healthcheck'), image)).toBeUndefined();
    expect(healthPlanFor(health('--health-cmd', 'none'), image)).toBeUndefined();
    expect(healthPlanFor(health(), { Healthcheck: { Test: ['NONE'] } })).toBeUndefined();
  });

  it('takes the image’s check and lets flags win, one by one', () => {
    expect(healthPlanFor(health('--health-interval', '1m'), image)).toMatchObject({
      command: ['curl', 'x'],
      intervalMs: 60_000,
      retries: 7,
      timeoutMs: 30_000,
    });
  });

  it('gives a command line to the shell, and words to the kernel', () => {
    expect(healthPlanFor(health('--health-cmd', 'a || b'), {})?.command).toEqual(['/bin/sh', '-c', 'a || b']);
    expect(healthPlanFor(health('--health-cmd', '["a", "b c"]'), {})?.command).toEqual(['a', 'b c']);
  });
});
