/** The key sequence that leaves a container running: `ctrl-p,ctrl-q` (docker-attach, "Override the detach sequence"). */
import { CtrError } from '../base/ctr-error.ts';

/** The bytes of a sequence such as `ctrl-p,ctrl-q` or `a,ctrl-[`; empty text disables detaching. */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  return Buffer.from(text.split(',').map(keyByte));
}

function keyByte(key: string): number {
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
  throw new CtrError('USAGE', `--detach-keys: ${JSON.stringify(key)} is no key`, {
    hint: 'a single character, or ctrl- and one of a-z @ [ \\ ] ^ _, separated by commas',
  });
}

/** Finds the sequence in input that comes in pieces; bytes that may begin it are held back until it is decided. */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What goes on to the container, and whether the whole sequence has been typed. */
  scan(chunk: Uint8Array): { readonly pass: Buffer; readonly detached: boolean } {
    if (this.#keys.length === 0) return { pass: Buffer.from(chunk), detached: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      const held = Buffer.concat([this.#keys.subarray(0, this.#matched), Buffer.of(byte)]);
      this.#matched = this.#longestBeginning(held);
      pass.push(...held.subarray(0, held.length - this.#matched));
      if (this.#matched === this.#keys.length) return { pass: Buffer.from(pass), detached: true };
    }
    return { pass: Buffer.from(pass), detached: false };
  }

  /** How many of the last bytes of `typed` may begin the sequence: `a,a,b` is found in `aaab` as well. */
  #longestBeginning(typed: Buffer): number {
    let length = typed.length;
    while (length > 0 && !typed.subarray(typed.length - length).equals(this.#keys.subarray(0, length))) length--;
    return length;
  }
}
