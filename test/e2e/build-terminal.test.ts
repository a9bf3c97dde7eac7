/** `ctr build` in a real terminal: the live tree, Ctrl-C, and the shell of --debug (docs/build.md "Progress"). */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

let bed: Bed;
let terminal: Terminal | undefined;
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'tmux', 'subordinate-ids');

async function buildInTerminal(dockerfile: readonly string[], flags = ''): Promise<Terminal> {
  bed.directory('context');
  bed.file('context/Dockerfile', ['FROM localhost/base', ...dockerfile].join('\n'));
  const line = `trap : INT; ctr build --network none --no-cache ${flags} ${bed.home}/context; echo "ended with $?"; stty -a | grep -o ' -*echo '`;
  terminal = await openTerminal(line, { user: bed.user, env: { ...bed.env, NO_COLOR: '1' }, columns: 100, rows: 30 });
  return terminal;
}

describe('ctr build on a terminal [E]', () => {
  promise('shows what runs with its time and last output, and collapses it when it has ended', async () => {
    const shown = await buildInTerminal(['RUN echo early; mkfifo /go; echo working; sleep 3', 'RUN echo next']);
    await shown.shows(
      /\[\+\] \d\.\ds: 0 steps finished, 1 running\n=> +\[0 1\/2\] RUN .* [1-9]\.\ds\n +\| early\n +\| working$/,
    );
    await shown.resize(60, 20);
    await shown.shows(/ended with 0/);
    const screen = await shown.screen();
    expect(screen).toMatch(
      /=> DONE .*RUN echo early.*\n=> DONE +\[0 2\/2\] RUN echo next.*\n\[\+\] .*2 steps finished\n[0-9a-f]/,
    );
    expect(screen.match(/RUN echo early/g)).toHaveLength(1);
    expect(screen).not.toContain('| working');
  });

  promise('shows a failed step’s last output and its lines of the Dockerfile', async () => {
    const shown = await buildInTerminal(['RUN seq 1 9; echo "no luck" >&2; exit 3']);
    await shown.shows(/ended with 3/);
    const screen = await shown.screen();
    expect(screen).toMatch(/=> ERROR .*RUN seq/);
    expect(screen).toMatch(
      /> \[0 1\/1\] RUN seq.*:\n1\n[\s\S]*9\nno luck\nctr: Dockerfile:2: RUN ended with exit code 3\n/,
    );
    expect(screen).toMatch(/^ +2 \| RUN seq 1 9.*\n +\| \^+$/m);
  });

  promise('Ctrl-C ends it, and the terminal is as it was', async () => {
    const shown = await buildInTerminal(['RUN echo begun; sleep 100', 'RUN true']);
    await shown.shows(/\| begun/);
    await shown.press('C-c');
    await shown.shows(/ended with 130\n +echo/);
    expect(await shown.screen()).toMatch(/=> CANCELED .*\n\[\+\] [\s\S]*ctr: interrupted\nended with 130/);
    expect((await bed.sh(`ps -u ${bed.user.uid} -o args= | grep -x 'sleep 100'`)).stdout).toBe('');
    await shown.type('typed');
    await shown.shows(/^typed$/m);
  });

  promise('--progress=plain writes lines there, and tty is refused where there is no terminal', async () => {
    const shown = await buildInTerminal(['RUN echo said'], '--progress=plain');
    await shown.shows(/#1 \[0 1\/1\] RUN echo said\n#1 said\n#1 DONE/);
    const refused = await bed.ctr('build', '--progress=tty', 'context');
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('standard error is no terminal') });
  });
});

describe('ctr build --debug [E]', () => {
  const failing = [
    'ENV COLOUR=green',
    'USER 7:8',
    'WORKDIR /tmp/work',
    'RUN --mount=type=secret,id=key,uid=7 --mount=type=cache,target=/cache,uid=7 \\',
    '  echo made >/tmp/half; echo broken >&2; exit 5',
  ];

  promise('opens a shell in the failed step’s file system, with its variables, user and mounts', async () => {
    bed.file('key', 'secret text');
    const shown = await buildInTerminal(failing, `--debug --secret id=key,src=${bed.home}/key`);
    await shown.shows(
      /broken\nctr: Dockerfile:5: RUN ended with exit code 5\n[\s\S]*\| \^+\n--debug: a shell in .*\n[\s\S]*[$#] ?$/,
    );
    await shown.type(
      'cat /tmp/half /run/secrets/key; echo " $COLOUR $(id -u):$(id -g) $PWD $(ls -d /cache)"; stty size',
    );
    await shown.press('Enter');
    await shown.shows(/^made\nsecret text green 7:8 \/tmp\/work \/cache\n30 100$/m);
    await shown.type('exit');
    await shown.press('Enter');
    await shown.shows(/ended with 5\n +echo/);
    expect(bed.mounts()).toEqual([]);
    expect((await bed.ctr('ps', '-aq')).stdout).toBe('');
    expect((await bed.sh('ls .local/share/ctr/tmp')).stdout).toBe('');
  });

  promise('is refused where there is no terminal', async () => {
    const refused = await bed.ctr('build', '--debug', 'context');
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('standard input is none') });
  });
});
