/** `ctr run -t` in a real terminal: its size, its name, its keys. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

let bed: Bed;
let terminal: Terminal | undefined;
beforeAll(async () => {
  bed = await openBed();
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'tmux', 'subordinate-ids');

async function runInTerminal(...command: readonly string[]): Promise<Terminal> {
  const line = `ctr run --rm -it --network none ${bed.image('busybox')} ${command.join(' ')}; echo "ended with $?"`;
  terminal = await openTerminal(line, { user: bed.user, env: bed.env, columns: 100, rows: 30 });
  return terminal;
}

describe('ctr run -it [E]', () => {
  promise('gives the command a terminal of its own, of the size of the caller’s', async () => {
    const shown = await runInTerminal('sh', '-c', "'tty; stty size'");
    await shown.shows(/\/dev\/(pts\/0|console)\n30 100\nended with 0/);
  });

  promise('follows the caller’s terminal when its size changes', async () => {
    const shown = await runInTerminal('sh');
    await shown.shows(/[#$] ?$/);
    await shown.resize(132, 43);
    await shown.type('stty size');
    await shown.press('Enter');
    await shown.shows(/^43 132$/m);
  });

  promise('passes Ctrl-C to the command and to nobody else', async () => {
    const shown = await runInTerminal('sh', '-c', `'trap "echo interrupted; exit 9" INT; echo ready; sleep 60 & wait'`);
    await shown.shows(/ready/);
    await shown.press('C-c');
    await shown.shows(/interrupted\s+ended with 9/);
  });

  promise('ends the input on Ctrl-D, and leaves the caller’s terminal as it was', async () => {
    const shown = await runInTerminal('cat');
    await shown.type('once');
    await shown.press('Enter');
    await shown.shows(/once\nonce/);
    await shown.press('C-d');
    await shown.shows(/ended with 0/);
  });

  promise('shows an editor’s full screen', async () => {
    const shown = await runInTerminal('vi', '/tmp/note');
    await shown.type('ihello from vi');
    await shown.press('Escape');
    await shown.shows(/^hello from vi/m);
    await shown.type(':wq');
    await shown.press('Enter');
    await shown.shows(/ended with 0/);
  });

  promise('refuses -t where stdin is no terminal only when it cannot work, and says so', async () => {
    const args = ['run', '--rm', '-t', '--network', 'none', bed.image('busybox'), 'tty'];
    const outcome = await bed.ctrWith({ input: '' }, ...args);
    expect(outcome.stdout + outcome.stderr).toMatch(/\/dev\/(pts\/0|console)|not a (TTY|terminal)/i);
  });
});
