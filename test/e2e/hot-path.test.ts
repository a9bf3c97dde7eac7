/** What a start loads: the commands of every day find all they need in their own small bundle (docs/adr/0002). */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
let image = '';
beforeAll(async () => {
  bed = await openBed({ images: ['busybox'] });
  image = bed.image('busybox');
  await bed.ctr('pull', image);
  // Once for what is found out only once: the storage driver, the seccomp filter.
  await bed.ctr('run', '--rm', '--network', 'none', image, 'true');
});
afterAll(() => bed?.close());

/** The bundles that `ctr ARGS` reads, by the code caches that it leaves in an empty cache directory. */
async function bundlesOf(...args: readonly string[]): Promise<string[]> {
  const kept = '.cache/ctr/code';
  const { code, stderr } = await bed.sh(`rm -rf ${kept}; ctr ${args.join(' ')}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // A supervisor may still clean up after an earlier container.
  const { stdout } = await bed.sh(`find ${kept} -type f -name '${args[0]}.*' -printf '%f\\n' | sort`);
  return stdout
    .trim()
    .split('\n')
    .map((name) => name.split('.').slice(0, 2).join('.'));
}

describe('the path of run, exec and ps [E]', () => {
  const test = needs('registry', 'skopeo', 'busybox');

  test('loads no more than their own bundles', async () => {
    expect(await bundlesOf('run', '--rm', '--network', 'none', image, 'true')).toEqual(['run.run']);
    expect(await bundlesOf('run', '-d', '--name', 'hot', '--network', 'none', image, 'sleep', '1000')).toEqual([
      'run.run',
    ]);
    expect(await bundlesOf('exec', 'hot', 'true')).toEqual(['exec.exec']);
    expect(await bundlesOf('ps')).toEqual(['ps.ps']);
    expect(await bundlesOf('rm', '-f', 'hot')).toEqual(['rm.program']);
  });

  needs(
    'registry',
    'skopeo',
    'busybox',
    'pasta',
  )('has the default network in it', async () => {
    expect(await bundlesOf('run', '--rm', image, 'true')).toEqual(['run.run']);
  });
});
