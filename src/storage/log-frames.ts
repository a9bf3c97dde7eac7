/**
 * Frames as the supervisor writes them (ns/output-pump.ts): {stream, seconds, nanoseconds, length} as 64-bit words,
 * then `length` bytes. The same in the log file and on the attach socket.
 */
import { CtrError } from '../base/ctr-error.ts';

export interface LogFrame {
  /** 1: stdout (or the terminal), 2: stderr. */
  readonly stream: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly payload: Buffer;
}

export const frameHeaderBytes = 32;
const maxPayloadBytes = 1024 * 1024;

/** Splits a byte stream, that may come in any pieces, into frames. */
export class FrameDecoder {
  readonly #onDamage: 'throw' | 'skip';
  #rest: Buffer = Buffer.alloc(0);

  /** `skip`: after a power cut or a full disk the file may hold zeros or half a frame; what follows is found again. */
  constructor(onDamage: 'throw' | 'skip' = 'throw') {
    this.#onDamage = onDamage;
  }

  /** The frames that `chunk` completes. INVALID for a length that no supervisor writes. */
  push(chunk: Buffer): LogFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: LogFrame[] = [];
    for (;;) {
      if (this.#onDamage === 'skip') this.#rest = this.#rest.subarray(nextHeader(this.#rest));
      if (this.#rest.length < frameHeaderBytes) return frames;
      const length = Number(this.#rest.readBigUInt64LE(24));
      if (length > maxPayloadBytes)
        throw new CtrError('INVALID', 'the log is damaged: a frame has an impossible length');
      const end = frameHeaderBytes + length;
      if (this.#rest.length < end) return frames;
      frames.push({
        stream: Number(this.#rest.readBigUInt64LE(0)),
        seconds: Number(this.#rest.readBigUInt64LE(8)),
        nanoseconds: Number(this.#rest.readBigUInt64LE(16)),
        payload: this.#rest.subarray(frameHeaderBytes, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** Where the next thing is that can be a header; where less than one is left when there is none. */
function nextHeader(bytes: Buffer): number {
  let at = 0;
  while (at + frameHeaderBytes <= bytes.length && !isHeader(bytes, at)) at++;
  return at;
}

/** The upper halves of all four words are 0 until the year 2106, and no stream writes an empty frame. */
function isHeader(bytes: Buffer, at: number): boolean {
  const stream = bytes.readUInt32LE(at);
  if (stream !== 1 && stream !== 2) return false;
  const length = bytes.readUInt32LE(at + 24);
  const upperHalves = [4, 12, 20, 28].every((offset) => bytes.readUInt32LE(at + offset) === 0);
  return upperHalves && length > 0 && length <= maxPayloadBytes && bytes.readUInt32LE(at + 16) < 1e9;
}
