/** `ctr cp` as docker-cp(1) and podman-cp(1) tell it: which path becomes what, owners, streams. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed();
  const run = ['run', '-d', '--network', 'none', '--name'];
  await bed.ctr(...run, 'live', bed.image('busybox'), 'sleep', '10000');
  await bed.ctr(...run, 'www', '-u', 'www-data', bed.image('busybox'), 'sleep', '10000');
  await bed.ctr('run', '--network', 'none', '--name', 'still', bed.image('busybox'), 'true');
  bed.file('f', 'file\n');
  for (const dir of ['d', 'd/sub', 'out']) bed.directory(dir);
  bed.file('d/sub/g', 'deep\n');
});
afterAll(() => bed?.close());

const cp = (...words: readonly string[]) => bed.ctr('cp', ...words);
const inside = async (command: string, name = 'live') => (await bed.ctr('exec', name, 'sh', '-c', command)).stdout;

describe('ctr cp: what becomes of SOURCE and DESTINATION [E]', () => {
  promise('a file goes into a directory, to a new name, over a file', async () => {
    await inside('mkdir /t; echo old >/t/old');
    for (const to of ['/t', '/t/new', '/t/old']) expect(await cp('f', `live:${to}`)).toMatchObject({ code: 0 });
    expect(await inside('cat /t/f /t/new /t/old')).toBe('file\nfile\nfile\n');
  });

  promise('a directory goes into a directory, or becomes one that is not there', async () => {
    await inside('mkdir /u');
    expect([(await cp('d', 'live:/u')).code, (await cp('d', 'live:/u/as')).code]).toEqual([0, 0]);
    expect(await inside('cat /u/d/sub/g /u/as/sub/g')).toBe('deep\ndeep\n');
  });

  promise('`/.` means the content', async () => {
    await inside('mkdir /v');
    await cp('d/.', 'live:/v');
    await cp('live:/v/.', 'out');
    expect(await inside('cat /v/sub/g')).toBe('deep\n');
    expect(readFileSync(`${bed.home}/out/sub/g`, 'utf8')).toBe('deep\n');
  });

  for (const [what, words, message] of [
    ['a file to a directory that is not there', ['f', 'live:/absent/'], '/absent/'],
    ['to a place without a parent', ['f', 'live:/absent/x'], 'parent'],
    ['a directory to a file', ['d', 'live:/etc/passwd'], 'directory'],
    ['what is not there', ['live:/absent', '.'], '/absent'],
    ['what is not there on the host', ['absent', 'live:/'], 'absent'],
    ['to a container that is not there', ['f', 'nobody:/'], 'nobody'],
    ['from host to host', ['f', 'd'], 'CONTAINER:PATH'],
  ] as const) {
    promise(`refuses ${what}`, async () => {
      const outcome = await cp(...words);
      expect(outcome.code).toBe(125);
      expect(outcome.stderr).toContain(message);
    });
  }

  promise('copies between containers, running or not', async () => {
    await inside('echo across >/tmp/a');
    expect(await cp('live:/tmp/a', 'still:/tmp/b')).toMatchObject({ code: 0 });
    expect(await cp('still:/tmp/b', 'live:/tmp/c')).toMatchObject({ code: 0 });
    expect(await inside('cat /tmp/c')).toBe('across\n');
  });

  promise('keeps modes, times and symlinks', async () => {
    await inside('mkdir /k; echo x >/k/x; chmod 751 /k/x; touch -d "2001-02-03 04:05:06" /k/x; ln -s x /k/l');
    await cp('live:/k', 'out');
    expect(await bed.sh('cd out/k; stat -c "%a %Y" x; readlink l')).toMatchObject({ stdout: '751 981173106\nx\n' });
  });

  promise('reaches the volumes of a running container, and files that are mounted', async () => {
    expect(await cp('live:/etc/hostname', 'out/hostname')).toMatchObject({ code: 0 });
    expect(readFileSync(`${bed.home}/out/hostname`, 'utf8')).toMatch(/^[0-9a-f]{12}\n$/);
    expect(await cp('f', 'live:/etc/hosts')).toMatchObject({ code: 0 });
    expect(await inside('cat /etc/hosts')).toBe('file\n');
  });
});

describe('ctr cp: owners [E]', () => {
  promise('what goes in belongs to the container’s user, what comes out to the caller', async () => {
    await cp('f', 'www:/tmp/f');
    expect(await inside('stat -c %u:%g /tmp/f', 'www')).toBe('33:33\n');
    await cp('www:/tmp/f', 'out/back');
    expect(statSync(`${bed.home}/out/back`)).toMatchObject({ uid: bed.user.uid, gid: bed.user.gid });
  });

  promise('--archive=false keeps the caller’s, who is root there', async () => {
    await cp('--archive=false', 'f', 'www:/tmp/plain');
    expect(await inside('stat -c %u:%g /tmp/plain', 'www')).toBe('0:0\n');
  });

  promise('a set-id program comes out without the bit', async () => {
    await inside('cp /bin/busybox /tmp/su; chmod 6755 /tmp/su');
    await cp('live:/tmp/su', 'out/su');
    expect(statSync(`${bed.home}/out/su`).mode & 0o7777).toBe(0o755);
  });
});

describe('ctr cp: tar streams [E]', () => {
  promise('`-` writes one and reads one', async () => {
    const outcome = await bed.sh('ctr cp live:/etc/passwd - | tar t; tar c d | ctr cp - live:/home');
    expect(outcome).toMatchObject({ code: 0, stdout: 'passwd\n', stderr: '' });
    expect(await inside('cat /home/d/sub/g')).toBe('deep\n');
  });

  promise('an archive goes into a directory only', async () => {
    const outcome = await bed.sh('tar c d | ctr cp - live:/etc/passwd');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('must be a directory');
  });

  promise('passes 20 MB through unchanged', async () => {
    writeFileSync(`${bed.home}/big`, Buffer.alloc(20_000_000, 'ctr moves bytes\n'));
    expect(await bed.sh('ctr cp big live:/big && ctr cp live:/big out/big && cmp big out/big')).toMatchObject({
      code: 0,
    });
  });
});

describe('ctr export [E]', () => {
  promise('writes the root file system, without what is mounted', async () => {
    await inside('echo mine >/etc/mine; rm /etc/shadow');
    const outcome = await bed.sh('ctr export live | tar t; ctr export -o e.tar live; tar xOf e.tar etc/mine');
    const names = outcome.stdout.split('\n');
    expect(names).toContain('etc/mine');
    expect(names).not.toContain('etc/shadow');
    expect(names.filter((name) => /^(proc|sys)\/./.test(name))).toEqual([]);
    expect(outcome.stdout).toMatch(/mine\n$/);
  });
});

describe('ctr cp: links on the host [E]', () => {
  promise('copies a symlink as one, and what it points to with -L', async () => {
    mkdirSync(`${bed.home}/links`);
    symlinkSync('../f', `${bed.home}/links/l`);
    await cp('links/l', 'live:/tmp/l');
    await cp('-L', 'links/l', 'live:/tmp/followed');
    expect(await inside('readlink /tmp/l; cat /tmp/followed')).toBe('../f\nfile\n');
  });
});
