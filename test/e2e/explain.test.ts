/** `ctr run --explain` against what strace saw of the same run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

interface ExplainedStep {
  readonly step: string;
  readonly calls: readonly string[];
}

let bed: Bed;
beforeAll(async () => {
  // Without ranges no set-uid newuidmap runs, which would fail under strace.
  bed = await openBed({ ranges: false });
});
afterAll(() => bed.close());

const flags = [
  '--rm',
  '--network',
  'none',
  '--hostname',
  'explained',
  '-v',
  '/usr:/host-usr:ro',
  '--tmpfs',
  '/scratch',
];

async function explained(): Promise<ExplainedStep[]> {
  const { stdout } = await bed.ctr('run', '--explain=json', ...flags, bed.image('busybox'), 'true');
  return JSON.parse(stdout);
}

/** The system calls of the container's first process, from its clone to its last execve. */
async function traced(): Promise<string[]> {
  const trace = `${bed.home}/trace`;
  await bed.sh(`strace -f -o ${trace} ctr run ${flags.join(' ')} ${bed.image('busybox')} true`);
  const { stdout } = await bed.sh(`cat ${trace}`);
  const lines = stdout.split('\n').map((line) => /^(\d+)\s+(\w+)\((.*)/.exec(line));
  const started = lines.findLast((line) => line?.[2] === 'pivot_root');
  const own = lines.filter((line) => line !== null && line[1] === started?.[1]);
  const exec = own.findLastIndex((line) => line?.[2] === 'execve');
  return own.slice(0, exec + 1).map((line) => line?.[2] ?? '');
}

describe('ctr run --explain [E]', () => {
  it('prints numbered steps with their manual pages and runs nothing', async () => {
    const { code, stdout } = await bed.ctr('run', '--explain', ...flags, bed.image('busybox'), 'echo', 'ran');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +1 +clone +NEWNS .*NEWUSER/m);
    expect(stdout).toMatch(/^ *\d+ +pivot-root .*pivot_root\(2\)/m);
    expect(stdout).toMatch(/^ *\d+ +exec +echo ran +execve\(2\)$/m);
    expect((await bed.sh('ls .local/share/ctr/containers')).stdout).toBe('');
  });

  needs(
    'strace',
    'registry',
    'skopeo',
    'busybox',
  )('lists the calls that strace sees, in the order in which they are made', async () => {
    const steps = await explained();
    const planned = steps
      .filter(({ step }) => !['clone', 'id-map', 'network'].includes(step))
      .flatMap(({ calls }) => calls);
    // close(2) of stdio's spare descriptors and dup3(2) come before the first step: they place stdio.
    const seen = await traced();
    const all = seen.slice(seen.indexOf('read'));
    // The steps are read as often as the pipe has a part of them.
    const made = all.filter((call, index) => call !== 'read' || all[index - 2] !== 'read');
    let at = 0;
    const unplanned = made.filter((call) => {
      const found = planned.indexOf(call, at);
      if (found >= 0) at = found + 1;
      return found < 0;
    });
    expect(unplanned).toEqual([]);
    expect(made).toContain('pivot_root');
    // Every attach is made; of the read-only paths only those that this kernel has.
    const attached = made.filter((call) => call === 'move_mount').length;
    expect(attached).toBeGreaterThanOrEqual(steps.filter(({ step }) => step === 'attach').length);
    expect(attached).toBeLessThanOrEqual(planned.filter((call) => call === 'move_mount').length);
  });
});
