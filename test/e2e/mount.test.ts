/** `ctr unshare`, and what works in it only: `ctr mount` and `ctr unmount`. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('run', '--name', 'still', '--network', 'none', bed.image('busybox'), 'sh', '-c', 'echo kept >/kept');
});
afterAll(() => bed?.close());

describe('ctr unshare [E]', () => {
  promise('makes the caller root over the files of all subordinate ids, and leaves with the exit code', async () => {
    const outcome = await bed.ctr('unshare', 'sh', '-c', 'id -u; touch f; chown 33:33 f; stat -c %u f; exit 7');
    expect(outcome).toMatchObject({ code: 7, stdout: '0\n33\n' });
    expect((await bed.sh('stat -c %u f')).stdout).not.toBe('33\n');
  });
});

describe('ctr mount [E]', () => {
  promise('shows and changes the files of a container that does not run', async () => {
    const outcome = await bed.ctr('unshare', 'sh', '-c', 'd=$(ctr mount still); cat $d/kept; echo more >$d/more');
    expect(outcome).toMatchObject({ code: 0, stdout: 'kept\n' });
    expect((await bed.ctr('cp', 'still:/more', '-')).stdout).toContain('more');
  });

  promise('lists what is mounted until it is unmounted, and leaves no mount behind', async () => {
    const script = 'ctr mount still >/dev/null; ctr mount | wc -l; ctr unmount still >/dev/null; ctr mount | wc -l';
    expect((await bed.ctr('unshare', 'sh', '-c', script)).stdout).toBe('1\n0\n');
    expect(bed.mounts()).toEqual([]);
  });

  promise('says what is needed outside of unshare', async () => {
    const outcome = await bed.ctr('mount', 'still');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('ctr unshare');
  });
});

describe('ctr image mount [E]', () => {
  promise('shows the files of an image, read-only, until it is unmounted', async () => {
    const image = bed.image('busybox');
    const script = `d=$(ctr image mount ${image}); ls $d/bin/busybox | wc -l; touch $d/x 2>&1 | grep -o 'Read-only'
ctr image mount | wc -l; ctr image unmount ${image} >/dev/null; ctr image mount | wc -l`;
    expect(await bed.ctr('unshare', 'sh', '-c', script)).toMatchObject({ code: 0, stdout: '1\nRead-only\n1\n0\n' });
    expect(bed.mounts()).toEqual([]);
  });

  promise('says what is needed outside of unshare', async () => {
    const outcome = await bed.ctr('image', 'mount', bed.image('busybox'));
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('ctr unshare');
  });
});

describe('ctr images --tree [E]', () => {
  promise('hangs an image below the one that it was made from', async () => {
    await bed.ctr('commit', '-q', 'still', 'localhost/above:1');
    const { stdout } = await bed.ctr('images', '--tree');
    expect(stdout).toMatch(/busybox:latest .* 1 layer\n└─ localhost\/above:1 .* 2 layers\n/);
    await bed.ctr('rmi', 'localhost/above:1');
  });
});
