/**
 * The supervisor's side of `attach`: a listening socket, a fixed number of client slots, a socket for window sizes.
 *
 * To clients go frames (output-pump.ts), the last of them with the exit status; from clients come plain bytes for the
 * terminal's master or the stdin pipe; the size socket takes datagrams of one struct winsize each. All sockets are made
 * by ctr before the clone.
 */
import { ERRNO, IOCTL, MSG, O } from '../linux/constants.ts';
import type { DataRef, Program, Variable } from '../linux/program.ts';
import { frameHeaderBytes, type OutputStream, type SendToClients, writeAll } from './output-pump.ts';

export interface AttachPoint {
  /** Listening stream socket. */
  readonly listener: number;
  /** Datagram socket for window sizes; absent without a terminal. */
  readonly sizes?: number;
  /** Write end of the container's stdin; absent with a terminal (its master takes the input) or without `-i`. */
  readonly stdin?: number;
}

export interface AttachClients {
  /** Descriptors that the loop has to poll. */
  readonly polled: readonly Variable[];
  readonly send: SendToClients;
  /** One pass: new clients, their input, window sizes. */
  readonly serve: () => void;
  /** Send the last frame (exitStream, the wait status as its one word) and close every connection. */
  readonly hangUp: (status: Variable) => void;
}

/** The stream number of the frame with the exit status. */
export const exitStream = 3;

const slots = 8;
const inputBytes = 4096;
const sendTimeoutSeconds = 10;

export function compileClients(program: Program, point: AttachPoint, streams: readonly OutputStream[]): AttachClients {
  const clients = Array.from({ length: slots }, () => program.variable(-1));
  const listener = program.variable(point.listener);
  const sizes = point.sizes === undefined ? [] : [program.variable(point.sizes)];
  const input = point.stdin === undefined ? terminalOf(streams) : program.variable(point.stdin);
  const buffer = program.bytes(Buffer.alloc(inputBytes));
  const send = (iov: DataRef) => {
    // Whoever connected before this was written gets it: connections are accepted after it was read.
    accept(program, listener, clients);
    for (const client of clients) sendFrame(program, client, iov);
  };
  return {
    polled: [listener, ...sizes, ...clients],
    send,
    serve: () => {
      accept(program, listener, clients);
      for (const socket of sizes) receiveSize(program, socket, streams);
      for (const client of clients) receiveInput(program, client, buffer, input);
    },
    hangUp: (status) => {
      sendExit(program, status, send);
      for (const client of clients) {
        const free = program.label();
        program.compare(client, 0, { less: free });
        dropClient(program, client);
        program.place(free);
      }
    },
  };
}

function terminalOf(streams: readonly OutputStream[]): Variable | undefined {
  return streams.find(({ terminal }) => terminal)?.fd;
}

/** A client that does not read for 10 s, or is gone, is dropped: it must not stop the container for ever. */
function sendFrame(program: Program, client: Variable, iov: DataRef): void {
  const [drop, done, sent] = [program.label(), program.label(), program.variable()];
  program.compare(client, 0, { less: done });
  const total = program.variable();
  program.add(program.field(iov, 8), program.field(iov, 24), total);
  const header = program.words([0, 0, iov, 2, 0, 0, 0]);
  program.call('sendmsg', [client, header, MSG.NOSIGNAL], { into: sent, onError: drop });
  program.compare(sent, total, { equal: done });
  program.place(drop);
  dropClient(program, client);
  program.place(done);
}

function sendExit(program: Program, status: Variable, send: SendToClients): void {
  const header = program.words([exitStream, 0, 0, 8]);
  const payload = program.words([0]);
  program.set(program.field(payload, 0), status);
  send(program.words([header, frameHeaderBytes, payload, 8]));
}

function dropClient(program: Program, client: Variable): void {
  program.call('close', [client]);
  program.set(client, -1);
}

/** Into the first free slot; with none free the client is sent away. */
function accept(program: Program, listener: Variable, clients: readonly Variable[]): void {
  const [none, fd] = [program.label(), program.variable()];
  program.call('accept4', [listener, 0, 0, O.CLOEXEC], { into: fd, onError: none });
  const [socketLevel, sendTimeout] = [1, 21];
  program.call('setsockopt', [fd, socketLevel, sendTimeout, program.words([sendTimeoutSeconds, 0]), 16], {
    onError: none,
  });
  for (const client of clients) {
    const [isFree, taken] = [program.label(), program.label()];
    program.compare(client, -1, { equal: isFree });
    program.jump(taken);
    program.place(isFree);
    program.set(client, fd);
    program.jump(none);
    program.place(taken);
  }
  program.call('close', [fd]);
  program.place(none);
}

function receiveSize(program: Program, socket: Variable, streams: readonly OutputStream[]): void {
  const master = terminalOf(streams);
  if (!master) return;
  const [none, size] = [program.label(), program.words([0])];
  program.call('read', [socket, size, 8], { onError: none, onZero: none });
  program.call('ioctl', [master, IOCTL.TIOCSWINSZ, size], { onError: none });
  program.place(none);
}

function receiveInput(program: Program, client: Variable, buffer: DataRef, input: Variable | undefined): void {
  const [done, drop, failed, got, result] = [
    program.label(),
    program.label(),
    program.label(),
    program.label(),
    program.variable(),
  ];
  program.compare(client, 0, { less: done });
  program.call('recvfrom', [client, buffer, inputBytes, MSG.DONTWAIT, 0, 0], {
    into: result,
    onZero: drop,
    onError: failed,
  });
  program.jump(got);
  program.place(failed);
  program.compare(result, -ERRNO.EAGAIN, { equal: done });
  program.place(drop);
  dropClient(program, client);
  program.jump(done);
  program.place(got);
  if (input) writeAll(program, input, buffer, result);
  program.place(done);
}
