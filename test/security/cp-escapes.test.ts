/**
 * Symlinks that a container makes lead `ctr cp` nowhere but into that container (CVE-2018-15664, CVE-2019-14271,
 * CVE-2022-23648), also while it changes them.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const secret = 'the caller’s secret';
beforeAll(async () => {
  bed = await openBed();
  bed.file('secret', secret);
  chmodSync(bed.home, 0o755);
  bed.directory('shared');
  const flags = ['-d', '--network', 'none', '-v', `${bed.home}/shared:/shared`, '--name', 'evil'];
  await bed.ctr('run', ...flags, bed.image('busybox'), 'sleep', '10000');
});
afterAll(() => bed?.close());

const inside = (command: string) => bed.ctr('exec', 'evil', 'sh', '-c', command);

describe('ctr cp and hostile symlinks [S]', () => {
  promise('from: a symlink to a host path is resolved in the container', async () => {
    await inside(`ln -s ${bed.home}/secret /leak; ln -s ${bed.home} /dir; ln -s ../../../../../..${bed.home} /up`);
    for (const path of ['/leak', '/dir/secret', '/up/secret', '/dir/.', '/proc/1/root/../../..']) {
      await bed.ctr('cp', '-L', `evil:${path}`, 'stolen');
      expect((await bed.sh(`grep -r "secret" stolen 2>/dev/null`)).stdout).toBe('');
      await bed.sh('rm -rf stolen');
    }
  });

  promise('to: a symlink in the way makes nothing on the host', async () => {
    const target = `${bed.home}/planted`;
    await inside(`mkdir -p /in; ln -sf ${target} /in/file; ln -sfn ${bed.home} /in/home`);
    bed.file('payload', 'x');
    await bed.ctr('cp', 'payload', 'evil:/in/file');
    await bed.ctr('cp', 'payload', 'evil:/in/home/planted');
    expect(existsSync(target)).toBe(false);
    expect(readFileSync(`${bed.home}/secret`, 'utf8')).toBe(secret);
  });

  promise('out of a directory that is swapped for a symlink all the time comes nothing of the host', async () => {
    const swap = `mkdir -p /race/d; echo inner >/race/d/secret; ln -s ${bed.home} /race/l; cd /race; while :; do mv d x; mv l d; mv d l; mv x d; done`;
    await bed.ctr('exec', '-d', 'evil', 'sh', '-c', swap);
    for (let round = 0; round < 10; round++) {
      await bed.ctr('cp', 'evil:/race/d', `raced${round}`);
      const { stdout } = await bed.sh(`find raced${round} -type f -exec cat {} + 2>/dev/null`);
      expect(['', 'inner\n']).toContain(stdout);
    }
  });

  promise('into a directory that is swapped for a symlink all the time nothing gets out of the container', async () => {
    const target = bed.directory('outside');
    const up = `../../../../../../..${target}`;
    const turn = `mkdir /in/dir; rm -rf /in/dir; ln -s ${target} /in/dir; rm -f /in/dir; ln -s ${up} /in/dir; rm -f /in/dir`;
    await bed.ctr('exec', '-d', 'evil', 'sh', '-c', `mkdir -p /in; while ! test -e /stop; do ${turn}; done`);
    bed.directory('tree');
    for (const name of ['a', 'b', 'c']) bed.file(`tree/${name}`, 'given');
    // Most of these fail, as the ground is pulled away; none may write outside.
    for (let round = 0; round < 15; round++) await bed.ctr('cp', 'tree', 'evil:/in/dir');
    await inside('touch /stop');
    expect(readdirSync(target)).toEqual([]);
  });

  promise('into a host directory that the container shares, nothing is written through its symlinks', async () => {
    await inside(
      `mkdir -p /src/tree; echo changed >/src/tree/secret; ln -sfn ${bed.home} /shared/tree; ln -sf ${bed.home}/secret /shared/secret`,
    );
    await bed.ctr('cp', 'evil:/src/tree/.', 'shared');
    await bed.ctr('cp', '--overwrite', 'evil:/src/tree', 'shared');
    expect(readFileSync(`${bed.home}/secret`, 'utf8')).toBe(secret);
  });

  promise('from a host directory that the container shares, nothing behind its symlinks goes in', async () => {
    await inside(`mkdir -p /shared/up; ln -sfn ${bed.home} /shared/up/home; ln -sf ${bed.home}/secret /shared/up/s`);
    expect(await bed.ctr('cp', 'shared/up', 'evil:/got')).toMatchObject({ code: 0 });
    expect((await inside('cat /got/s /got/home/secret')).stdout).toBe('');
  });

  promise('an archive whose names climb is refused', async () => {
    writeFileSync(`${bed.home}/x`, 'x');
    const made = await bed.sh(`mkdir -p a/b; cd a/b; tar -cPf - ../../secret | ctr cp - evil:/tmp`);
    expect(made.code).toBe(125);
    expect(readdirSync(bed.home)).not.toContain('tmp');
  });

  promise('commit and diff read a hostile upper directory within itself', async () => {
    await inside(`mkdir -p /c; ln -sfn ${bed.home} /c/d; ln -sf ${bed.home}/secret /c/s`);
    expect((await bed.ctr('diff', 'evil')).stdout).toContain('A /c/d\n');
    expect(await bed.ctr('commit', '-q', 'evil', 'evil:1')).toMatchObject({ code: 0 });
    const look = ['run', '--rm', '--network', 'none', 'evil:1', 'sh', '-c', 'cat /c/s /c/d/secret; readlink /c/s'];
    expect((await bed.ctr(...look)).stdout).toBe(`${bed.home}/secret\n`);
  });
});
