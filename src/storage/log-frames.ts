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
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that `chunk` completes. INVALID for a length that no supervisor writes. */
  push(chunk: Buffer): LogFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: LogFrame[] = [];
    for (;;) {
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
