/**
 * What a command gets beside its flags: the host, the terminal and the clock. Commands write through `stdout` and
 * `stderr` here and return their exit code; they never touch `process`.
 */
import { fstatSync, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';

export interface Context {
  readonly host: Host;
  /** The name that the user typed: `ctr`, or `docker` and `podman` through a symbolic link. */
  readonly programName: string;
  /** Whose output shapes to use where the two differ (CTR_COMPAT, or the program's name). */
  readonly compat: 'podman' | 'docker';
  /** The words that named the command: `image inspect`. */
  readonly commandName: string;
  readonly debug: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTty: boolean;
  now(): Date;
}

/** A descriptor that is written at once: no stream is built on the hot path, nothing is left to flush at exit. */
export interface Output {
  readonly fd: number;
  readonly isTty: boolean;
  /** Of the terminal, as it is now; undefined when it is none. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  write(text: string | Uint8Array): void;
}

export function createOutput(fd: number): Output {
  let tty: boolean | undefined;
  return {
    fd,
    get isTty() {
      tty ??= isTerminal(fd);
      return tty;
    },
    size() {
      if (!this.isTty) return undefined;
      // Node's own streams follow SIGWINCH; a new one would open the terminal again at each call.
      const { columns, rows } = fd === 2 ? process.stderr : process.stdout;
      return columns > 0 ? { columns, rows } : undefined;
    },
    write: (text) => writeFully(fd, typeof text === 'string' ? Buffer.from(text) : text),
  };
}

export function contextFor(host: Host, choice: Pick<Context, 'commandName' | 'debug' | 'stdout' | 'stderr'>): Context {
  const programName = host.env.CTR_PROGRAM_NAME || 'ctr';
  return {
    host,
    programName,
    compat: (host.env.CTR_COMPAT ?? programName) === 'docker' ? 'docker' : 'podman',
    ...choice,
    get stdinIsTty() {
      return isTerminal(0);
    },
    now: () => new Date(),
  };
}

/** isatty(3). node:tty takes 4 ms to load (it brings net), so files, pipes and memory devices are told apart first. */
export function isTerminal(fd: number): boolean {
  try {
    const status = fstatSync(fd);
    const major = status.rdev >> 8;
    return status.isCharacterDevice() && major !== memoryDevices && process.getBuiltinModule('node:tty').isatty(fd);
  } catch {
    return false; // A closed descriptor (EBADF) is no terminal.
  }
}

/** /dev/null and its relatives (kernel admin-guide/devices.txt). */
const memoryDevices = 1;

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // A pipe that its other owner made non-blocking (ssh, some CI runners) and that is full: wait for the reader.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
