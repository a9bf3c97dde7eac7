/** Pieces of output as whole lines; a character that is split between two pieces stays whole. */
export class LineBuffer {
  readonly #decoder = new TextDecoder();
  #open = '';

  /** The lines that `bytes` completes, without their ends. */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#open + this.#decoder.decode(bytes, { stream: true })).split('\n');
    // A program that never ends a line must not fill the memory.
    this.#open = (lines.pop() ?? '').slice(-longest);
    return lines;
  }

  /** What has come of a line so far. */
  get unended(): string {
    return this.#open;
  }

  /** The same at the end of the output: what has come behind the last line end. */
  rest(): string {
    const rest = this.#open + this.#decoder.decode();
    this.#open = '';
    return rest;
  }
}

const longest = 1024 * 1024;
