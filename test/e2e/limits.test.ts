/** Limits hold, or the start is refused with the reason: never silently neither. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const run = (...flags: readonly string[]) =>
  bed.ctr('run', '--rm', '-q', '--network', 'none', ...flags, bed.image('busybox'), 'cat', '/sys/fs/cgroup/memory.max');
/** A user of the bed has no session of systemd: limits can be applied only where the caller's cgroup is handed down. */
const isV1 = !existsSync('/sys/fs/cgroup/cgroup.controllers');

describe('limits [E] podman-run(1)', () => {
  promise('are applied, or refused with the controller and the remedy', async () => {
    const { code, stdout, stderr } = await run('--memory', '64m');
    if (code === 0) return expect(stdout).toBe('67108864\n');
    expect(code).toBe(125);
    expect(stderr).toMatch(/--memory cannot be applied: controller memory: .+\n {2}hint: .*--best-effort-limits/);
    if (isV1) expect(stderr).toContain('control groups of version 1');
  });

  promise('are left out with a warning by --best-effort-limits', async () => {
    const { code, stderr } = await bed.ctr(
      ...['run', '--rm', '-q', '--network', 'none', '--memory', '64m', '--best-effort-limits'],
      ...[bed.image('busybox'), 'true'],
    );
    expect(code).toBe(0);
    if (isV1) expect(stderr).toContain('left out (--best-effort-limits)');
  });

  promise('cannot be combined with --cgroups=disabled', async () => {
    expect(await run('--cgroups=disabled', '--pids-limit', '5')).toMatchObject({ code: 125 });
  });
});
