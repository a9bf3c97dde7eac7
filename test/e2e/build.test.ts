/** `ctr build`: images by Dockerfiles, the cache, what is read and what is kept out (docs/build.md). */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
});
afterAll(() => bed?.close());

/** A context in the user's home: file name → content. */
function context(name: string, files: Readonly<Record<string, string>>): string {
  const directory = bed.directory(name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(`${directory}/${path}`), { recursive: true });
    writeFileSync(`${directory}/${path}`, content);
  }
  execFileSync('chown', ['-R', `${bed.user.uid}:${bed.user.gid}`, directory]);
  return directory;
}

const build = (name: string, files: Readonly<Record<string, string>>, ...flags: readonly string[]) =>
  bed.ctr('build', '--network', 'none', '-t', name, ...flags, context(name, files));
const run = (image: string, ...words: readonly string[]) =>
  bed.ctr('run', '--rm', '--network', 'none', `localhost/${image}`, ...words);
const idOf = async (image: string) => (await bed.ctr('image', 'inspect', '-f', '{{.Id}}', image)).stdout.trim();

const simple = {
  Dockerfile: [
    'FROM localhost/base',
    'ENV GREETING="hello there"',
    'WORKDIR /srv/app',
    'RUN echo $GREETING >said && rm /etc/shadow',
    'COPY app.txt lib ./',
    'USER 33',
    'CMD ["cat", "said", "app.txt", "b.txt"]',
  ].join('\n'),
  'app.txt': 'app\n',
  'lib/b.txt': 'b\n',
};

describe('ctr build [E]', () => {
  promise('makes an image by a Dockerfile and prints its ID', async () => {
    const built = await build('simple', simple);
    expect(built).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    expect((await run('simple')).stdout).toBe('hello there\napp\nb\n');
    expect((await run('simple', 'ls', '/etc/shadow')).code).not.toBe(0);
  });

  promise('leaves none of its mount points in a layer', async () => {
    await build('points', { Dockerfile: 'FROM localhost/base\nRUN --mount=type=tmpfs,target=/a/b touch /a/b/x /kept' });
    expect((await bed.ctr('image', 'diff', 'localhost/points')).stdout).toBe('A /kept\n');
  });

  promise('copies only the wanted result of other stages', async () => {
    const Dockerfile = [
      'FROM localhost/base AS compile',
      'RUN echo program >/out && chmod 755 /out && chown 7:8 /out',
      'FROM localhost/base AS unused',
      'RUN exit 9',
      'FROM scratch',
      'COPY --from=compile /out /bin/program',
      'COPY --from=compile --chown=1:2 --chmod=600 /out /second',
    ].join('\n');
    expect(await build('stages', { Dockerfile })).toMatchObject({ code: 0 });
    const { stdout } = await bed.sh('ctr build --network none -o type=tar,dest=s.tar stages -q; tar -tvf s.tar');
    expect(stdout).toMatch(/-rwxr-xr-x 7\/8 .* bin\/program/);
    expect(stdout).toMatch(/-rw------- 1\/2 .* second/);
  });

  promise('shows the line of the Dockerfile where a step fails, with its output, and its exit code', async () => {
    const failed = await build('fails', { Dockerfile: 'FROM localhost/base\nRUN echo about to fail; exit 7' });
    expect(failed.code).toBe(7);
    expect(failed.stderr).toContain('about to fail');
    expect(failed.stderr).toContain('Dockerfile:2: RUN ended with exit code 7');
    expect((await bed.ctr('ps', '-aq')).stdout).toBe('');
  });

  promise('writes the files of the last stage with --output, the caller’s own', async () => {
    const Dockerfile = 'FROM scratch\nCOPY --chown=5:5 app.txt /dir/';
    await build('files', { Dockerfile, 'app.txt': 'app' }, '-o', `${bed.home}/out`);
    expect((await bed.sh('stat -c %u out/dir/app.txt; cat out/dir/app.txt')).stdout).toBe(`${bed.user.uid}\napp`);
  });

  promise('reads the Dockerfile, or a whole context, from standard input', async () => {
    const input = 'FROM localhost/base\nRUN --network=none echo in >/f';
    expect(await bed.ctrWith({ input }, 'build', '-q', '-t', 'stdin', '-')).toMatchObject({ code: 0 });
    expect((await run('stdin', 'cat', '/f')).stdout).toBe('in\n');
    context('tarred', { Dockerfile: 'FROM localhost/base\nCOPY x /', x: 'x\n' });
    expect(await bed.sh('tar -C tarred -cz . | ctr build -q -t tarred -')).toMatchObject({ code: 0 });
    expect((await run('tarred', 'cat', '/x')).stdout).toBe('x\n');
  });

  promise('refuses what it cannot do, with the reason', async () => {
    const single = await bed.ctr('build', '--layers=false', 'simple');
    expect(single).toMatchObject({ code: 125, stderr: expect.stringContaining('--layers=false') });
    const device = await build('gpu', { Dockerfile: 'FROM localhost/base\nRUN --device=x.com/gpu=all,required true' });
    expect(device).toMatchObject({ code: 125, stderr: expect.stringContaining('RUN --device=x.com/gpu=all') });
  });
});

describe('ctr build: the cache [E]', () => {
  promise('runs no step again that reads the same', async () => {
    const second = await build('simple', simple);
    expect(second.stderr.match(/CACHED/g)).toHaveLength(3);
    expect(second.stderr).not.toContain('DONE');
  });

  promise('runs the steps behind a changed file again', async () => {
    const changed = await build('simple', { ...simple, 'lib/b.txt': 'changed\n' });
    expect(changed.stderr.match(/CACHED/g)).toHaveLength(2);
    expect((await run('simple')).stdout).toContain('changed');
  });

  promise('sees a change in what is only bound', async () => {
    const files = { Dockerfile: 'FROM localhost/base\nRUN --mount=target=/ctx cp /ctx/f /f', f: 'one' };
    await build('bound', files);
    await build('bound', { ...files, f: 'two' });
    expect((await run('bound', 'cat', '/f')).stdout).toBe('two');
  });

  promise('keeps cache mounts for the next build, and `builder prune --all` forgets them', async () => {
    const Dockerfile = 'FROM localhost/base\nRUN --mount=type=cache,target=/c echo x >>/c/log; cat /c/log >/count';
    await build('mounted', { Dockerfile });
    await build('mounted', { Dockerfile }, '--no-cache');
    expect((await run('mounted', 'cat', '/count')).stdout).toBe('x\nx\n');
    expect((await bed.ctr('builder', 'du')).stdout).toContain('RUN --mount=type=cache');
    expect((await bed.ctr('builder', 'prune', '-f', '--all')).stdout).toMatch(/^Steps: \d+, cache mounts: 1,/);
    await build('mounted', { Dockerfile });
    expect((await run('mounted', 'cat', '/count')).stdout).toBe('x\n');
  });
});

describe('ctr build: reproducible [E]', () => {
  promise('gives the same image from another directory, at another time, with and without the cache', async () => {
    await build('first', simple);
    const first = await idOf('localhost/first');
    await bed.sh('cp -r simple elsewhere; touch -d 2001-02-03 elsewhere/app.txt; rm -r elsewhere/lib');
    context('elsewhere', { 'lib/b.txt': simple['lib/b.txt'], Dockerfile: simple.Dockerfile });
    await bed.ctr('build', '--network', 'none', '--no-cache', '-t', 'second', 'elsewhere');
    expect(await idOf('localhost/second')).toBe(first);
  });

  promise('gives another user the same image', async () => {
    const other = await openBed();
    try {
      await other.ctr('pull', '-q', other.image('busybox'));
      await other.ctr('tag', other.image('busybox'), 'localhost/base');
      await bed.sh(`cp -rp first /tmp/ctr-build-${bed.user.name}; chmod -R a+rX /tmp/ctr-build-${bed.user.name}`);
      const built = await other.ctr('build', '--network', 'none', '-q', `/tmp/ctr-build-${bed.user.name}`);
      expect(`sha256:${built.stdout.trim()}`).toBe(`sha256:${(await idOf('localhost/first')).replace('sha256:', '')}`);
    } finally {
      await bed.sh(`rm -r /tmp/ctr-build-${bed.user.name}`);
      await other.close();
    }
  });

  promise(
    'gives a user without subordinate ids, in another directory and with another umask, the same image',
    async () => {
      const other = await openBed({ ranges: false });
      const place = `/tmp/ctr-build-${bed.user.name}`;
      try {
        await other.ctr('pull', '-q', other.image('busybox'));
        await other.ctr('tag', other.image('busybox'), 'localhost/base');
        await bed.sh(`mkdir -p ${place}/deep && cp -rp first ${place}/deep; chmod -R a+rX ${place}`);
        const flags = '--network none --no-cache --jobs 1 -q';
        const built = await other.sh(`umask 077; TZ=Asia/Tokyo LC_ALL=C ctr build ${flags} ${place}/deep/first`);
        expect(`sha256:${built.stdout.trim()}`, built.stderr).toBe(
          `sha256:${(await idOf('localhost/first')).replace('sha256:', '')}`,
        );
      } finally {
        await bed.sh(`rm -r ${place}`);
        await other.close();
      }
    },
  );

  promise('takes no time newer than SOURCE_DATE_EPOCH', async () => {
    await build('dated', { Dockerfile: 'FROM localhost/base\nRUN touch /new' }, '--source-date-epoch', '86400');
    expect((await run('dated', 'stat', '-c', '%Y', '/new')).stdout).toBe('86400\n');
  });
});

describe('ctr build: secrets [E]', () => {
  const marker = `needle-${Math.random().toString(36).slice(2)}`;

  promise('shows a secret to the step that asks for it, and keeps it nowhere', async () => {
    bed.file('key', marker);
    const Dockerfile = [
      'FROM localhost/base',
      'RUN --mount=type=secret,id=key wc -c </run/secrets/key >/length',
      'RUN --mount=type=secret,id=key,env=KEY printf %s "$KEY" | wc -c >>/length',
    ].join('\n');
    const built = await build('secret', { Dockerfile }, '--secret', `id=key,src=${bed.home}/key`);
    expect(built.code, built.stderr).toBe(0);
    expect((await run('secret', 'cat', '/length')).stdout).toBe(`${marker.length}\n${marker.length}\n`);
    expect(built.stdout + built.stderr).not.toContain(marker);
    const places = `${bed.dataRoot} ${bed.env.XDG_RUNTIME_DIR}`;
    expect((await bed.sh(`unshare -r --map-auto grep -rlF ${marker} ${places}; true`)).stdout).toBe('');
  });

  promise('says which secret is missing', async () => {
    const Dockerfile = 'FROM localhost/base\nRUN --mount=type=secret,id=nokey,required=true true';
    const built = await build('missing', { Dockerfile });
    expect(built.code).not.toBe(0);
    expect(built.stderr).toContain('the secret nokey was not given');
    expect(readFileSync(`${bed.home}/missing/Dockerfile`, 'utf8')).toContain('nokey');
  });
});
