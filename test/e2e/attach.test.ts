/** `ctr attach` and the detach keys of `ctr run -it`: several callers at one container. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

let bed: Bed;
const terminals: Terminal[] = [];
beforeAll(async () => {
  bed = await openBed();
});
afterEach(async () => {
  for (const terminal of terminals.splice(0)) await terminal.close();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const terminalPromise = needs('registry', 'skopeo', 'busybox', 'tmux', 'subordinate-ids');

async function open(words: string): Promise<Terminal> {
  const line = `trap : INT; ctr ${words}; echo "ended with $?"`;
  const terminal = await openTerminal(line, { user: bed.user, env: bed.env, columns: 100, rows: 30 });
  terminals.push(terminal);
  return terminal;
}

const detached = (name: string, flags: string, ...command: readonly string[]) =>
  bed.ctr(
    'run',
    '-d',
    '--name',
    name,
    '--network',
    'none',
    ...flags.split(' ').filter(Boolean),
    bed.image('busybox'),
    ...command,
  );

describe('ctr attach [E]', () => {
  promise('shows stdout and stderr apart, and leaves with the container’s exit code', async () => {
    await detached('talker', '', 'sh', '-c', 'until [ -e /go ]; do sleep 0.05; done; echo out; echo err >&2; exit 6');
    const running = bed.start('attach', 'talker');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await bed.ctr('exec', 'talker', 'touch', '/go');
    expect(await running.ended).toMatchObject({ code: 6, stdout: 'out\n', stderr: 'err\n' });
  });

  promise('passes input to a container that was made with -i', async () => {
    await detached('reader', '-i', 'sh', '-c', 'read line; echo "got $line"');
    expect(await bed.ctrWith({ input: 'word\n' }, 'attach', 'reader')).toMatchObject({ code: 0, stdout: 'got word\n' });
  });

  promise('passes signals on, unless --sig-proxy=false', async () => {
    const script = 'trap "echo got; exit 8" TERM; echo ready; while :; do sleep 0.1; done';
    await detached('signalled', '', 'sh', '-c', script);
    const deaf = bed.start('attach', '--sig-proxy=false', 'signalled');
    const running = bed.start('attach', 'signalled');
    await new Promise((resolve) => setTimeout(resolve, 500));
    deaf.child.kill('SIGTERM');
    expect((await deaf.ended).signal).toBe('SIGTERM');
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 8, stdout: 'got\n' });
  });

  promise('two callers get the same output', async () => {
    await detached('heard', '', 'sh', '-c', 'until [ -e /go ]; do sleep 0.05; done; seq 500; echo over >&2; exit 3');
    const callers = [bed.start('attach', 'heard'), bed.start('attach', 'heard')];
    await new Promise((resolve) => setTimeout(resolve, 500));
    await bed.ctr('exec', 'heard', 'touch', '/go');
    const lines = Array.from({ length: 500 }, (_, index) => `${index + 1}\n`).join('');
    for (const caller of callers) {
      expect(await caller.ended).toMatchObject({ code: 3, stdout: lines, stderr: 'over\n' });
    }
  });

  promise('refuses a container that does not run', async () => {
    await bed.ctr('run', '--name', 'over', '--network', 'none', bed.image('busybox'), 'true');
    const outcome = await bed.ctr('attach', 'over');
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('not running');
  });
});

describe('ctr attach and ctr run -it: terminals [E]', () => {
  terminalPromise('two callers see the same, and each can type', async () => {
    await detached('shared', '-it', 'sh');
    const [first, second] = [await open('attach shared'), await open('attach shared')];
    await until('both to be attached', async () => {
      await first.type('echo mark$((40+2))');
      await first.press('Enter');
      return (await second.screen()).includes('mark42') && (await first.screen()).includes('mark42');
    });
    await second.type('exit 4');
    await second.press('Enter');
    await first.shows(/ended with 4/);
    await second.shows(/ended with 4/);
  });

  terminalPromise('detach keys leave the container running, and attach comes back to it', async () => {
    const first = await open(`run -it --name kept --network none ${bed.image('busybox')} sh`);
    await first.shows(/# ?$/);
    await first.press('C-p', 'C-q');
    await first.shows(/ended with 0/);
    const second = await open('attach kept');
    await second.press('Enter');
    await second.shows(/#/);
    await second.type('stty size; exit 3');
    await second.press('Enter');
    await second.shows(/30 100[\s\S]*ended with 3/);
  });

  terminalPromise('a shell of `run -dit` is left and found again, and follows the size of each terminal', async () => {
    await detached('session', '-it', 'sh');
    const first = await open('attach session');
    await until('the prompt', async () => {
      await first.press('Enter');
      return /#/.test(await first.screen());
    });
    await first.type('cd /tmp; word=kept; stty size');
    await first.press('Enter');
    await first.shows(/30 100/);
    await first.press('C-p', 'C-q');
    await first.shows(/ended with 0/);
    const second = await open('attach session');
    await second.resize(72, 20);
    await second.type('stty size; echo $word $PWD');
    await second.press('Enter');
    await second.shows(/20 72\s+kept \/tmp/);
    await second.type('exit 3');
    await second.press('Enter');
    await second.shows(/ended with 3/);
  });

  terminalPromise('not a byte is missed, from the first to the last', async () => {
    for (let round = 0; round < 5; round++) {
      const shown = await open(
        `run -it --rm --network none ${bed.image('busybox')} sh -c 'echo first; seq 20; echo last; exit 5'`,
      );
      await shown.shows(/first\n1\n[\s\S]*20\nlast\nended with 5/);
    }
  });
});
