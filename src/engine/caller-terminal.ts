/** The caller's side of a terminal session: raw mode, sizes, keys with the sequence that leaves. */
import { ReadStream, WriteStream } from 'node:tty';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** The size of the terminal that stdout is. */
export function callerSize(): WindowSize | undefined {
  const { stdout } = process;
  return stdout instanceof WriteStream && stdout.rows > 0 ? { rows: stdout.rows, columns: stdout.columns } : undefined;
}

/** Raw mode until the returned function is called; nothing when stdin is no terminal. */
export function rawMode(): () => void {
  const { stdin } = process;
  if (!(stdin instanceof ReadStream)) return () => {};
  stdin.setRawMode(true);
  return () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** Tell `set` the size now and at every SIGWINCH, until the returned function is called. */
export function followSize(set: (size: WindowSize) => void): () => void {
  const tell = () => {
    const size = callerSize();
    if (size) set(size);
  };
  tell();
  process.stdout.on('resize', tell);
  return () => void process.stdout.removeListener('resize', tell);
}

export interface Keys {
  /** Resolves when the user typed the detach keys; never otherwise. */
  readonly detached: Promise<'detached'>;
}

/** Pass stdin on; `ended` is called at its end (a pipe or file; a raw terminal has none). */
export function forwardInput(detachKeys: string, pass: (bytes: Buffer) => void, ended: () => void): Keys {
  const scanner = new DetachScanner(parseDetachKeys(detachKeys));
  const detached = new Promise<'detached'>((resolve) => {
    process.stdin.on('data', (chunk: Buffer) => {
      const scanned = scanner.scan(chunk);
      if (scanned.pass.length > 0) pass(scanned.pass);
      if (scanned.detached) resolve('detached');
    });
    process.stdin.on('end', ended);
    process.stdin.resume();
  });
  return { detached };
}
