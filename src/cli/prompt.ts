/** Questions to the person at the terminal; what is typed as a password is not shown. */
import { readSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Context } from './context.ts';

export async function ask(context: Context, question: string): Promise<string> {
  context.stderr.write(question);
  return readLine(context);
}

export async function askSecret(context: Context, question: string): Promise<string> {
  const { ReadStream } = await import('node:tty');
  context.stderr.write(question);
  const terminal = new ReadStream(0);
  terminal.setRawMode(true);
  try {
    return await readRawLine(terminal);
  } finally {
    terminal.setRawMode(false);
    terminal.pause();
    context.stderr.write('\n');
  }
}

/** Everything on standard input, without the newline at its end (`--password-stdin`). */
export function readStdin(maxBytes = 64 * 1024): string {
  const space = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let count = -1; count !== 0 && length <= maxBytes; length += count) {
    count = readSync(0, space, length, space.length - length, null);
  }
  if (length > maxBytes) throw new CtrError('INVALID', 'standard input is too long');
  return space.toString('utf8', 0, length).replace(/\r?\n$/, '');
}

function readLine(context: Context): string {
  if (!context.stdinIsTty) throw new CtrError('USAGE', 'standard input is no terminal');
  const space = Buffer.alloc(4096);
  return space.toString('utf8', 0, readSync(0, space)).replace(/\r?\n$/, '');
}

/** In raw mode keys come one by one: Ctrl-C and Ctrl-D end the command, backspace deletes. */
async function readRawLine(terminal: AsyncIterable<Buffer>): Promise<string> {
  let line = '';
  for await (const keys of terminal) {
    for (const key of keys.toString('utf8')) {
      if (key === '\r' || key === '\n') return line;
      if (key === '\x03' || key === '\x04') throw new CtrError('STATE', 'interrupted', { exitCode: 130 });
      line = key === '\x7f' || key === '\b' ? line.slice(0, -1) : line + key;
    }
  }
  return line;
}
