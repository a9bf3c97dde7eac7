/**
 * One pass over an output stream in the supervisor's loop: read once, then hand the chunk on as a frame.
 *
 * frame: {stream, seconds, nanoseconds, length} as four 64-bit words, then the bytes: the log file's format and what
 * attached clients receive. `ctr logs` decodes it (storage/log-file.ts).
 */
import { AT_FDCWD, ERRNO, O, POLL } from '../linux/constants.ts';
import type { DataRef, Operand, Program, Variable } from '../linux/program.ts';

export const frameHeaderBytes = 32;
const chunkBytes = 16384;

export interface OutputStream {
  readonly number: 1 | 2;
  /** -1 once it has ended. */
  readonly fd: Variable;
  readonly terminal: boolean;
}

export interface LogFile {
  readonly path: string;
  /** Rotate before the file grows past this; 0: never. */
  readonly maxBytes: number;
  /** How many files there are in all: path, path.1, … */
  readonly maxFiles: number;
}

export interface OutputSinks {
  readonly log?: LogFile;
  /** Descriptors that get the plain bytes of stdout and stderr: ctr's own, in the foreground. */
  readonly tee?: { readonly stdout: number; readonly stderr: number };
}

/** The chunk that was read last, as a frame. */
export interface Frame {
  readonly header: DataRef;
  readonly payload: DataRef;
  readonly length: Variable;
  readonly iov: DataRef;
}

/** Sends the frame's two buffers (an iovec of two) to every attached client. */
export type SendToClients = (iov: DataRef) => void;

/** What all streams of a supervisor share. */
export interface OutputBuffers {
  readonly frame: Frame;
  readonly log: LogState;
}

interface LogState {
  /** Opened with the first frame. */
  readonly fd: Variable;
  readonly bytes: Variable;
}

export function outputBuffers(program: Program): OutputBuffers {
  const header = program.words([0, 0, 0, 0]);
  const payload = program.bytes(Buffer.alloc(chunkBytes));
  const iov = program.words([header, frameHeaderBytes, payload, 0]);
  return {
    frame: { header, payload, length: program.field(header, 24), iov },
    log: { fd: program.variable(-1), bytes: program.variable() },
  };
}

/** Append one pass over `stream`; sets `progress` to 1 when something was read. */
export function compileOutput(
  program: Program,
  stream: OutputStream,
  { frame, log }: OutputBuffers,
  sinks: OutputSinks,
  send: SendToClients | undefined,
  progress: Variable,
): void {
  const [done, ended, failed, got] = [program.label(), program.label(), program.label(), program.label()];
  const result = program.variable();
  program.compare(stream.fd, 0, { less: done });
  program.call('read', [stream.fd, frame.payload, chunkBytes], { into: result, onZero: ended, onError: failed });
  program.jump(got);
  program.place(failed);
  // EAGAIN: nothing yet. Anything else ends it: EIO is what a master says once no slave is open.
  program.compare(result, -ERRNO.EAGAIN, { equal: done });
  program.place(ended);
  program.call('close', [stream.fd]);
  program.set(stream.fd, -1);
  program.jump(done);
  program.place(got);
  program.set(progress, 1);
  program.set(frame.length, result);
  program.set(program.field(frame.iov, 24), result);
  program.set(program.field(frame.header, 0), stream.number);
  program.call('clock_gettime', [0, { data: frame.header.data + 8 }]);
  if (sinks.tee) writeAll(program, stream.number === 1 ? sinks.tee.stdout : sinks.tee.stderr, frame.payload, result);
  if (sinks.log) appendToLog(program, sinks.log, frame, log);
  send?.(frame.iov);
  program.place(done);
}

/** write(2) until all is written; a sink that fails (EPIPE) misses this chunk and is tried again with the next. */
export function writeAll(program: Program, fd: Operand, from: DataRef, length: Variable): void {
  const [again, done, failed, wait] = [program.label(), program.label(), program.label(), program.label()];
  const [at, left, written] = [program.variable(), program.variable(), program.variable()];
  program.set(at, from);
  program.set(left, length);
  program.place(again);
  program.compare(left, 0, { equal: done });
  program.call('write', [fd, at, left], { into: written, onError: failed });
  program.add(at, written, at);
  program.subtract(left, written, left);
  program.jump(again);
  program.place(failed);
  // A terminal or pipe that its owner set to O_NONBLOCK: wait until it takes more.
  program.compare(written, -ERRNO.EAGAIN, { equal: wait });
  program.jump(done);
  program.place(wait);
  const poll = program.words([0]);
  program.add(fd, BigInt(POLL.OUT) << 32n, program.field(poll, 0));
  program.call('ppoll', [poll, 1, 0, 0, 8], { onError: done });
  program.jump(again);
  program.place(done);
}

/** Append the frame; past the limit the file moves to path.1, path.1 to path.2, and so on, and a new one begins. */
function appendToLog(program: Program, log: LogFile, frame: Frame, state: LogState): void {
  const [open, write, lost] = [program.label(), program.label(), program.label()];
  program.compare(state.fd, 0, { less: open });
  if (log.maxBytes > 0) program.compare(state.bytes, log.maxBytes, { less: write });
  else program.jump(write);
  program.call('close', [state.fd]);
  for (let n = log.maxFiles - 1; n > 0; n--) {
    const next = program.label();
    const from = n === 1 ? log.path : `${log.path}.${n - 1}`;
    program.call('renameat2', [AT_FDCWD, program.text(from), AT_FDCWD, program.text(`${log.path}.${n}`), 0], {
      onError: next,
    });
    program.place(next);
  }
  program.place(open);
  program.set(state.bytes, 0);
  const truncate = log.maxFiles > 1 ? 0 : O.TRUNC;
  const flags = O.WRONLY | O.CREAT | O.APPEND | O.CLOEXEC | truncate;
  program.call('openat', [AT_FDCWD, program.text(log.path), flags, 0o600], { into: state.fd, onError: lost });
  program.place(write);
  const written = program.variable();
  program.call('writev', [state.fd, frame.iov, 2], { into: written, onError: lost });
  program.add(state.bytes, written, state.bytes);
  program.place(lost);
}
