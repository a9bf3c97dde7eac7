/**
 * As much of D-Bus as one method call needs (D-Bus specification, "Message Protocol", "Authentication Protocol"): the
 * login, Hello, a call with its reply. Blocking, on one socket: an answer takes less than starting a client program.
 */
import { closeSync, readSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { writeAll } from '../base/json-file.ts';
import { SOCK } from '../linux/constants.ts';
import { connectedSocket, setReceiveTimeout } from '../linux/descriptors.ts';

/** A value with its type: the signature is written from it. */
export type DbusValue =
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 't'; readonly value: bigint }
  | { readonly type: 'au'; readonly value: readonly number[] }
  /** Properties: an array of (name, variant). */
  | { readonly type: 'a(sv)'; readonly value: ReadonlyArray<readonly [name: string, value: DbusValue]> }
  /** systemd's auxiliary units: always empty here. */
  | { readonly type: 'a(sa(sv))'; readonly value: readonly [] };

export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly DbusValue[];
}

export class MessageWriter {
  #bytes: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.push(Buffer.from(bytes));
    this.#length += bytes.length;
  }

  align(to: number): void {
    this.raw(Buffer.alloc((to - (this.#length % to)) % to));
  }

  u32(value: number): void {
    this.align(4);
    const word = Buffer.alloc(4);
    word.writeUInt32LE(value);
    this.raw(word);
  }

  u64(value: bigint): void {
    this.align(8);
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(value);
    this.raw(word);
  }

  string(text: string): void {
    this.u32(Buffer.byteLength(text));
    this.raw(Buffer.from(`${text}\0`));
  }

  signature(text: string): void {
    this.raw(Buffer.from([text.length, ...Buffer.from(text), 0]));
  }

  /** An array's length does not count the padding in front of its first element. */
  array(elementAlignment: number, write: () => void): void {
    this.align(4);
    const length = Buffer.alloc(4);
    this.#bytes.push(length);
    this.#length += 4;
    this.align(elementAlignment);
    const start = this.#length;
    write();
    length.writeUInt32LE(this.#length - start);
  }

  value(value: DbusValue): void {
    switch (value.type) {
      case 's':
        return this.string(value.value);
      case 'b':
        return this.u32(value.value ? 1 : 0);
      case 't':
        return this.u64(value.value);
      case 'au':
        return this.array(4, () => value.value.forEach((number) => void this.u32(number)));
      case 'a(sv)':
        return this.array(8, () => value.value.forEach(([name, one]) => void this.#property(name, one)));
      case 'a(sa(sv))':
        return this.array(8, () => {});
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.#bytes);
  }

  #property(name: string, value: DbusValue): void {
    this.align(8);
    this.string(name);
    this.signature(value.type);
    this.value(value);
  }
}

const kind = { call: 1, reply: 2, error: 3 } as const;
const field = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, signature: 8 } as const;

/** A method call as it goes over the wire, little-endian. `toPeer`: no bus between, so no destination. */
export function encodeCall(call: DbusCall, serial: number, toPeer: boolean): Buffer {
  const body = new MessageWriter();
  for (const value of call.body) body.value(value);
  const message = new MessageWriter();
  message.raw(Buffer.from([0x6c, kind.call, 0, 1]));
  message.u32(body.length);
  message.u32(serial);
  message.array(8, () => {
    const put = (code: number, type: string, write: () => void) => {
      message.align(8);
      message.raw(Buffer.from([code]));
      message.signature(type);
      write();
    };
    put(field.path, 'o', () => message.string(call.path));
    put(field.interface, 's', () => message.string(call.interface));
    put(field.member, 's', () => message.string(call.member));
    if (!toPeer) put(field.destination, 's', () => message.string(call.destination));
    const signature = call.body.map(({ type }) => type).join('');
    if (signature !== '') put(field.signature, 'g', () => message.signature(signature));
  });
  message.align(8);
  message.raw(body.bytes());
  return message.bytes();
}

export interface DbusMessage {
  readonly isError: boolean;
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  /** The first member of the body, when it is a string or an object path. */
  readonly text: string | undefined;
}

/** How long the message is whose first 16 bytes these are. */
export function messageLength(head: Buffer): number {
  return 16 + Math.ceil(head.readUInt32LE(12) / 8) * 8 + head.readUInt32LE(4);
}

/** A message of the bus daemon or of systemd, both little-endian on the machines that ctr runs on. */
export function decodeMessage(message: Buffer): DbusMessage {
  const fieldsEnd = 16 + message.readUInt32LE(12);
  const text = (at: number) => message.toString('utf8', at + 4, at + 4 + message.readUInt32LE(at));
  let [replySerial, errorName, signature]: [number?, string?, string?] = [];
  for (let at = 16; at < fieldsEnd; ) {
    const code = message.readUInt8(at);
    const type = String.fromCharCode(message.readUInt8(at + 2));
    at += 4;
    if (type === 'u') {
      if (code === field.replySerial) replySerial = message.readUInt32LE(at);
      at += 4;
    } else if (type === 'g') {
      if (code === field.signature) signature = message.toString('utf8', at + 1, at + 1 + message.readUInt8(at));
      at += 2 + message.readUInt8(at);
    } else {
      if (code === field.errorName) errorName = text(at);
      at += 5 + message.readUInt32LE(at);
    }
    at = Math.ceil(at / 8) * 8;
  }
  const body = Math.ceil(fieldsEnd / 8) * 8;
  const isText = signature?.startsWith('s') || signature?.startsWith('o');
  const isError = message.readUInt8(1) === kind.error;
  return { isError, replySerial, errorName, text: isText ? text(body) : undefined };
}

/** An error that the called program answered with: `name` is its D-Bus name. */
export class DbusError extends Error {
  readonly dbusName: string;
  constructor(name: string, text: string) {
    super(text);
    this.name = 'DbusError';
    this.dbusName = name;
  }
}

export interface DbusAddress {
  readonly path: string;
  /** A program's private socket instead of a bus: no Hello, no destination. */
  readonly isPeer: boolean;
}

/** A call on its way; `finish` waits for the answer and closes the connection. */
export interface PendingCall {
  finish(): DbusMessage;
}

const hello: DbusCall = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  body: [],
};
const [helloSerial, callSerial] = [1, 2];
/** A bus that does not answer by then never will. */
const answerTimeoutMs = 10_000;

/** Log in and call in one go: the other side works while the caller does something else. */
export function beginCall(address: DbusAddress, uid: number, call: DbusCall): PendingCall {
  const fd = connectedSocket(SOCK.STREAM, address.path);
  try {
    setReceiveTimeout(fd, answerTimeoutMs);
    const login = Buffer.from(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\nBEGIN\r\n`);
    const greeting = address.isPeer ? [] : [encodeCall(hello, helloSerial, false)];
    writeAll(fd, Buffer.concat([login, ...greeting, encodeCall(call, callSerial, address.isPeer)]));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    finish() {
      try {
        return readAnswer(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
}

function readAnswer(fd: number): DbusMessage {
  const login = readLine(fd);
  if (!login.startsWith('OK ')) throw new CtrError('DENIED', `the D-Bus login was refused: ${login}`);
  for (;;) {
    const head = readExactly(fd, 16);
    const message = decodeMessage(Buffer.concat([head, readExactly(fd, messageLength(head) - 16)]));
    if (message.isError) throw new DbusError(message.errorName ?? '', message.text ?? 'no reason was given');
    if (message.replySerial === callSerial) return message;
  }
}

function readLine(fd: number): string {
  let line = '';
  while (!line.endsWith('\r\n') && line.length < 512) line += readExactly(fd, 1).toString('latin1');
  return line.trimEnd();
}

function readExactly(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const got = readSync(fd, bytes, done, length - done, null);
    if (got === 0) throw new CtrError('STATE', 'the D-Bus connection was closed');
    done += got;
  }
  return bytes;
}
