/**
 * A syscall program under construction: records, data and labels, all symbolic, so that it can be built, printed and
 * tested without a kernel. `assemble(base)` gives the bytes for a mapping at that address.
 *
 * The interpreter knows constants only. A `Variable` used as an argument becomes a load record before the call that
 * patches the argument in place, so programs read like ordinary code.
 */
import { headerBytes, pseudo, recordBytes, recordWords, wordBytes } from './interpreter/record.ts';
import { type SyscallName, syscallNumber } from './syscalls.ts';

export interface Label {
  record: number | undefined;
  /** Of a record in another program, which is mapped there. */
  readonly address?: number;
}
/** The address of bytes in the program's data area, or of the header's {errno, record} pair. */
export interface DataRef {
  readonly data: number;
  readonly inHeader?: true;
}
/** A 64-bit variable: as an argument its value, not its address. */
export interface Variable {
  readonly variable: DataRef;
}
export type Operand = number | bigint | DataRef | Variable;

export interface CallOptions {
  /** Keep the result here. */
  readonly into?: Variable;
  readonly onZero?: Label;
  readonly onError?: Label;
}

/** Where the interpreter leaves errno and record (two words) of a failure that nobody handled. */
export const failurePair: DataRef = { data: 2 * wordBytes, inHeader: true };
export const failurePairBytes = 2 * wordBytes;

interface ArgRef {
  readonly record: number;
  readonly arg: number;
}
interface Record {
  readonly nr: number;
  readonly name: string;
  readonly args: readonly (number | bigint | DataRef)[];
  readonly dst: DataRef | ArgRef | undefined;
  readonly onZero: Label | undefined;
  readonly onError: Label | undefined;
  readonly step: number;
}

const isVariable = (value: Operand): value is Variable => typeof value === 'object' && 'variable' in value;

export class Program {
  readonly #records: Record[] = [];
  readonly #data: Buffer[] = [];
  readonly #pointers: Array<{ at: number; to: DataRef }> = [];
  readonly #strings = new Map<string, DataRef>();
  #dataBytes = 0;
  #step = -1;
  readonly #arch: string;
  readonly #failed: Label = { record: undefined };

  /** For this machine's system call numbers, unless `arch` (as in process.arch) says otherwise. */
  constructor(arch: string = process.arch) {
    this.#arch = arch;
  }

  /** Records appended from now on belong to step `index`: a failure names it. */
  beginStep(index: number): void {
    this.#step = index;
  }

  /** Put bytes into the data area (8-byte aligned, not shared). */
  bytes(content: Uint8Array): DataRef {
    const ref = { data: this.#dataBytes };
    const padded = Buffer.alloc(Math.ceil(content.length / wordBytes) * wordBytes || wordBytes);
    padded.set(content);
    this.#data.push(padded);
    this.#dataBytes += padded.length;
    return ref;
  }

  /** A NUL-terminated string; equal strings share their bytes. */
  text(content: string): DataRef {
    const known = this.#strings.get(content);
    if (known) return known;
    const ref = this.bytes(Buffer.from(`${content}\0`));
    this.#strings.set(content, ref);
    return ref;
  }

  /** An array of words, of which some are addresses (argv, iovec, msghdr). */
  words(content: ReadonlyArray<number | bigint | DataRef>): DataRef {
    const buffer = Buffer.alloc(content.length * wordBytes);
    const ref = this.bytes(buffer);
    const target = this.#data.at(-1);
    content.forEach((word, index) => {
      if (typeof word === 'object') this.#pointers.push({ at: ref.data + index * wordBytes, to: word });
      else target?.writeBigInt64LE(BigInt.asIntN(64, BigInt(word)), index * wordBytes);
    });
    return ref;
  }

  /** A NULL-terminated array of strings: argv, envp. */
  strings(content: readonly string[]): DataRef {
    return this.words([...content.map((entry) => this.text(entry)), 0]);
  }

  variable(initial: number | bigint = 0): Variable {
    return { variable: this.words([initial]) };
  }

  /** The word at `ref` + `offset` bytes as a variable: a field of a structure. */
  field(ref: DataRef, offset: number): Variable {
    return { variable: { data: ref.data + offset } };
  }

  label(): Label {
    return { record: undefined };
  }

  /** The label means the next record from here on. */
  place(label: Label): void {
    label.record = this.#records.length;
  }

  /** Where a record goes that fails with no onError: to be placed once, by whoever finishes the program. */
  placeFailed(): void {
    this.place(this.#failed);
  }

  call(name: SyscallName, args: readonly Operand[] = [], options: CallOptions = {}): void {
    this.#append(syscallNumber(name, this.#arch), name, args, options.into?.variable, options.onZero, options.onError);
  }

  jump(to: Label): void {
    this.#append(pseudo.jump, 'jump', [], undefined, to, undefined);
  }

  /** Go to `equal` when a = b, to `less` when a < b (signed), else on. */
  compare(a: Operand, b: Operand, to: { readonly equal?: Label; readonly less?: Label }): void {
    this.#append(pseudo.compare, 'compare', [a, b], undefined, to.equal, to.less);
  }

  add(a: Operand, b: Operand, into: Variable): void {
    this.#append(pseudo.add, 'add', [a, b], into.variable, undefined, undefined);
  }

  subtract(a: Operand, b: Operand, into: Variable): void {
    this.#append(pseudo.subtract, 'subtract', [a, b], into.variable, undefined, undefined);
  }

  set(into: Variable, value: Operand): void {
    this.add(value, 0, into);
  }

  #append(
    nr: number,
    name: string,
    args: readonly Operand[],
    dst: DataRef | undefined,
    onZero: Label | undefined,
    onError: Label | undefined,
  ): void {
    const step = this.#step;
    const constants: Array<number | bigint | DataRef> = [];
    const record = this.#records.length + args.filter(isVariable).length;
    // Plain loops: a start appends a thousand records before anything of this is compiled.
    for (let index = 0; index < args.length; index++) {
      const arg = args[index] ?? 0;
      if (isVariable(arg)) {
        const into = { record, arg: index };
        const load = { nr: pseudo.load, name: 'load', args: [arg.variable], dst: into };
        this.#records.push({ ...load, onZero: undefined, onError: undefined, step });
        constants.push(0);
      } else constants.push(arg);
    }
    this.#records.push({ nr, name, args: constants, dst, onZero, onError, step });
  }

  /** Go on in another program, mapped at `base`, with its first record. Failures are still told to this one. */
  continueIn(base: number): void {
    this.jump({ record: undefined, address: base + headerBytes });
  }

  get sizeBytes(): number {
    return headerBytes + this.#records.length * recordBytes + this.#dataBytes;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  /** Change a variable's initial value: for what is known only once the program's size is. */
  patch(target: Variable, value: number): void {
    let start = 0;
    for (const chunk of this.#data) {
      const offset = target.variable.data - start;
      if (offset < chunk.length) {
        chunk.writeBigInt64LE(BigInt(value), offset);
        return;
      }
      start += chunk.length;
    }
  }

  /** The step and call that the record at `address` belongs to, for a program mapped at `base`. */
  stepAt(address: bigint, base: number): { step: number; call: string } | undefined {
    const record = this.#records[Number((address - BigInt(base + headerBytes)) / BigInt(recordBytes))];
    return record && { step: record.step, call: record.name };
  }

  /** The system calls of each step, in order: what `--explain=json` shows. */
  listing(): Array<{ step: number; call: string }> {
    return this.#records.filter(({ nr }) => nr >= 0).map(({ step, name }) => ({ step, call: name }));
  }

  /** The program's bytes for a mapping at address `base`: header, records, data. */
  assemble(base: number): Buffer {
    const image = Buffer.from(new ArrayBuffer(this.sizeBytes));
    const dataStart = headerBytes + this.#records.length * recordBytes;
    const recordAddress = (index: number) => base + headerBytes + index * recordBytes;
    const dataAddress = (ref: DataRef) => base + (ref.inHeader ? 0 : dataStart) + ref.data;
    const labelAddress = (label: Label | undefined) => {
      if (!label) return 0;
      if (label.address !== undefined) return label.address;
      if (label.record === undefined) throw new Error('a label of the program was never placed');
      return recordAddress(label.record);
    };
    // Two halves of a word as doubles: BigInts cost 3 ms here, for some 8,000 words.
    const halves = new Uint32Array(image.buffer, image.byteOffset, image.length / 4);
    const put = (at: number, value: number | bigint) => {
      if (value === 0) return;
      const word = typeof value === 'bigint' ? BigInt.asIntN(64, value) : value;
      halves[at / 4] = typeof word === 'bigint' ? Number(word & 0xffffffffn) : word;
      halves[at / 4 + 1] = typeof word === 'bigint' ? Number(word >> 32n) : Math.floor(word / 0x1_0000_0000);
    };

    put(0, recordAddress(0));
    put(wordBytes, labelAddress(this.#failed));
    let at = headerBytes;
    for (const record of this.#records) {
      if (record.nr < 0) put(at + recordWords.nr * wordBytes, record.nr);
      else halves[(at + recordWords.nr * wordBytes) / 4] = record.nr;
      let word = at + recordWords.args * wordBytes;
      for (const arg of record.args) {
        // Most words are small numbers: 3,000 calls less.
        if (typeof arg === 'number' && arg >= 0 && arg <= 0xffff_ffff) halves[word / 4] = arg;
        else put(word, typeof arg === 'object' ? dataAddress(arg) : arg);
        word += wordBytes;
      }
      if (record.dst) put(at + recordWords.dst * wordBytes, dstAddress(record.dst));
      if (record.onZero) put(at + recordWords.onZero * wordBytes, labelAddress(record.onZero));
      if (record.onError) put(at + recordWords.onError * wordBytes, labelAddress(record.onError));
      at += recordBytes;
    }
    let offset = dataStart;
    for (const chunk of this.#data) {
      image.set(chunk, offset);
      offset += chunk.length;
    }
    for (const { at, to } of this.#pointers) put(dataStart + at, dataAddress(to));
    return image;

    function dstAddress(dst: DataRef | ArgRef): number {
      if ('data' in dst) return dataAddress(dst);
      return recordAddress(dst.record) + (recordWords.args + dst.arg) * wordBytes;
    }
  }
}
