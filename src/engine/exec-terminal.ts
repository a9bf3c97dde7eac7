/** `exec -t`: the command's terminal, whose master ctr itself holds, on the caller's terminal. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { loadProgram, vforkProgram } from '../linux/clone.ts';
import { IOCTL } from '../linux/constants.ts';
import { libc } from '../linux/ffi.ts';
import { Program } from '../linux/program.ts';
import { windowSize } from '../ns/compile-terminal.ts';
import { followSize, forwardInput, rawMode } from './caller-terminal.ts';

export interface TerminalSession {
  readonly master: number;
  readonly input: boolean;
  readonly detachKeys: string;
  readonly ended: Promise<number>;
}

/** What a terminal takes for the end of its input, by default (Ctrl-D). */
const endOfInput = Buffer.of(4);

/** The exit code, or `detached`: then the master is still open. All output has been written when this resolves. */
export async function showTerminal(session: TerminalSession): Promise<number | 'detached'> {
  const { master, input } = session;
  const restore = input ? rawMode() : () => {};
  const output = new ReadStream(master);
  const stopFollowing = followSize(({ rows, columns }) => {
    libc('ioctl', 'i32', ['i32', master], ['i64', IOCTL.TIOCSWINSZ], ['buf', windowSize(rows, columns)]);
  });
  try {
    const drained = new Promise<void>((resolve) => {
      output.on('data', (chunk: Buffer) => void process.stdout.write(chunk));
      // EIO: the last slave was closed. pty(7)
      output.on('error', () => resolve());
      output.on('end', () => resolve());
    });
    const pass = (bytes: Buffer) => void writeAll(master, bytes);
    const left = input ? forwardInput(session.detachKeys, pass, () => pass(endOfInput)).detached : never;
    const finished = session.ended.then((code) => Promise.race([drained, quiet()]).then(() => code));
    return await Promise.race([finished, left]);
  } finally {
    stopFollowing();
    restore();
  }
}

const never = new Promise<never>(() => {});

/** A child of the command may keep the terminal open: what is written within this time still is the command's. */
const quiet = () => new Promise<void>((resolve) => setTimeout(resolve, 200));

/** The master is non-blocking: a full input queue is waited for. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/**
 * The command goes on without us (`-d -t`, detach keys), but a terminal whose master is closed hangs up: cat(1) reads
 * it until the command ends.
 */
export function leaveTerminal(master: number, cat: string): void {
  const nothing = openSync('/dev/null', constants.O_WRONLY);
  const program = new Program();
  const blocking = constants.O_RDWR;
  program.call('fcntl', [master, 4, blocking]);
  program.call('setsid');
  program.call('dup3', [master, 0, 0]);
  for (const fd of [1, 2]) program.call('dup3', [nothing, fd, 0]);
  program.call('close_range', [3, 0xffffffff, 0]);
  program.call('execve', [program.text(cat), program.strings([cat]), program.strings([])]);
  program.placeFailed();
  program.call('exit_group', [125]);
  vforkProgram(loadProgram(program));
  closeSync(nothing);
}
