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
/** The address of bytes in the program's data area. */
export interface DataRef {
  readonly data: number;
}
/** The address of bytes in the program's header. */
export interface HeaderRef {
  readonly header: number;
}
/** A 64-bit variable: as an argument its value, not its address. */
export interface Variable {
  readonly variable: DataRef;
}
export type Operand = number | bigint | DataRef | HeaderRef | Variable;

export interface CallOptions {
  /** Keep the result here. */
  readonly into?: Variable;
  readonly onZero?: Label;
  readonly onError?: Label;
}

/** Where the interpreter leaves errno and record (two words) of a failure that nobody handled. */
export const failurePair: HeaderRef = { header: 2 * wordBytes };
export const failurePairBytes = 2 * wordBytes;

const isVariable = (value: Operand | undefined): value is Variable => typeof value === 'object' && 'variable' in value;

const halvesPerRecord = recordBytes / 4;

/** A word is written as two halves: a BigInt for each word would be most of a start's compiling. */
function putWord(halves: Uint32Array, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    halves[at] = Number(value & 0xffff_ffffn);
    halves[at + 1] = Number((value >> 32n) & 0xffff_ffffn);
  } else {
    halves[at] = value;
    if (value < 0 || value > 0xffff_ffff) halves[at + 1] = Math.floor(value / 0x1_0000_0000);
  }
}

/** The same bytes in at least `bytes`, zeros behind them. */
function grown(buffer: Buffer<ArrayBuffer>, bytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(Math.max(bytes, 2 * buffer.length));
  larger.set(buffer);
  return larger;
}

const halvesOf = (buffer: Buffer<ArrayBuffer>) => new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4);

/**
 * Records and data are written as the bytes that they will be, but for addresses: those are noted, by what they point
 * to, and filled in by assemble().
 */
export class Program {
  #records = Buffer.alloc(0x4000);
  #recordHalves = halvesOf(this.#records);
  #recordCount = 0;
  /** Of each record. */
  readonly #calls: string[] = [];
  readonly #steps: number[] = [];
  #data = Buffer.alloc(0x4000);
  #dataHalves = halvesOf(this.#data);
  #dataBytes = 0;
  readonly #strings = new Map<string, DataRef>();
  /** Words of the record area (by the index of their first half) that are addresses: pairs of it and the offset in the data, */
  readonly #toData: number[] = [];
  /** … in header and records, */
  readonly #toRecords: number[] = [];
  /** … or a label. */
  readonly #toLabel: Array<{ readonly at: number; readonly to: Label }> = [];
  /** Words of the data area that are addresses of data: pairs of offsets in bytes. */
  readonly #pointers: number[] = [];
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

  /** Room in the data area (8-byte aligned, zeros). */
  #reserve(bytes: number): DataRef {
    const at = this.#dataBytes;
    this.#dataBytes += Math.ceil(bytes / wordBytes) * wordBytes || wordBytes;
    if (this.#dataBytes > this.#data.length) {
      this.#data = grown(this.#data, this.#dataBytes);
      this.#dataHalves = halvesOf(this.#data);
    }
    return { data: at };
  }

  /** Put bytes into the data area (8-byte aligned, not shared). */
  bytes(content: Uint8Array): DataRef {
    const ref = this.#reserve(content.length);
    this.#data.set(content, ref.data);
    return ref;
  }

  /** A NUL-terminated string; equal strings share their bytes. */
  text(content: string): DataRef {
    const known = this.#strings.get(content);
    if (known) return known;
    const ref = this.#reserve(Buffer.byteLength(content) + 1);
    this.#data.write(content, ref.data);
    this.#strings.set(content, ref);
    return ref;
  }

  /** An array of words, of which some are addresses (argv, iovec, msghdr). */
  words(content: ReadonlyArray<number | bigint | DataRef>): DataRef {
    const ref = this.#reserve(content.length * wordBytes);
    for (let index = 0; index < content.length; index++) {
      const word = content[index] ?? 0;
      const at = ref.data + index * wordBytes;
      if (typeof word === 'object') this.#pointers.push(at, word.data);
      else putWord(this.#dataHalves, at / 4, word);
    }
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
    label.record = this.#recordCount;
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

  // Plain loops: a start appends a thousand records before anything of this is compiled.
  #append(
    nr: number,
    name: string,
    args: readonly Operand[],
    dst: DataRef | undefined,
    onZero: Label | undefined,
    onError: Label | undefined,
  ): void {
    let loads = 0;
    for (let index = 0; index < args.length; index++) if (isVariable(args[index])) loads++;
    let argument = (this.#recordCount + loads) * halvesPerRecord + recordWords.args * 2;
    for (let index = 0; loads > 0 && index < args.length; index++) {
      const arg = args[index];
      if (!isVariable(arg)) continue;
      const load = this.#beginRecord(pseudo.load, 'load');
      this.#refer(load + recordWords.args * 2, arg.variable);
      this.#toRecords.push(load + recordWords.dst * 2, headerBytes + (argument + index * 2) * 4);
    }
    const record = this.#beginRecord(nr, name);
    for (let index = 0; index < args.length; index++, argument += 2) {
      const arg = args[index];
      // Most are small: half a thousand calls less.
      if (typeof arg === 'number' && arg >= 0 && arg <= 0xffff_ffff) this.#recordHalves[argument] = arg;
      else if (typeof arg !== 'object') putWord(this.#recordHalves, argument, arg ?? 0);
      else if (!isVariable(arg)) this.#refer(argument, arg);
    }
    if (dst) this.#refer(record + recordWords.dst * 2, dst);
    if (onZero) this.#toLabel.push({ at: record + recordWords.onZero * 2, to: onZero });
    if (onError) this.#toLabel.push({ at: record + recordWords.onError * 2, to: onError });
  }

  #refer(at: number, to: DataRef | HeaderRef): void {
    if ('data' in to) this.#toData.push(at, to.data);
    else this.#toRecords.push(at, to.header);
  }

  /** The index of its first half. */
  #beginRecord(nr: number, name: string): number {
    const at = this.#recordCount * halvesPerRecord;
    this.#recordCount++;
    if (this.#recordCount * recordBytes > this.#records.length) {
      this.#records = grown(this.#records, this.#recordCount * recordBytes);
      this.#recordHalves = halvesOf(this.#records);
    }
    this.#calls.push(name);
    this.#steps.push(this.#step);
    putWord(this.#recordHalves, at + recordWords.nr * 2, nr);
    return at;
  }

  /** Go on in another program, mapped at `base`, with its first record. Failures are still told to this one. */
  continueIn(base: number): void {
    this.jump({ record: undefined, address: base + headerBytes });
  }

  get sizeBytes(): number {
    return headerBytes + this.#recordCount * recordBytes + this.#dataBytes;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** Change a variable's initial value: for what is known only once the program's size is. */
  patch(target: Variable, value: number): void {
    putWord(this.#dataHalves, target.variable.data / 4, value);
  }

  /** The step and call that the record at `address` belongs to, for a program mapped at `base`. */
  stepAt(address: bigint, base: number): { step: number; call: string } | undefined {
    const index = Number((address - BigInt(base + headerBytes)) / BigInt(recordBytes));
    const [step, call] = [this.#steps[index], this.#calls[index]];
    return step === undefined || call === undefined ? undefined : { step, call };
  }

  /** The system calls of each step, in order: what `--explain=json` shows. */
  listing(): Array<{ step: number; call: string }> {
    const isPseudo = (index: number) => (this.#records.readInt32LE(index * recordBytes) ?? 0) < 0;
    const records = this.#calls.map((call, index) => ({ step: this.#steps[index] ?? -1, call }));
    return records.filter((_, index) => !isPseudo(index));
  }

  /** The program's bytes for a mapping at address `base`: header, records, data. */
  assemble(base: number): Buffer {
    const image = Buffer.alloc(this.sizeBytes);
    const dataStart = headerBytes + this.#recordCount * recordBytes;
    image.set(this.#records.subarray(0, this.#recordCount * recordBytes), headerBytes);
    image.set(this.#data.subarray(0, this.#dataBytes), dataStart);
    const halves = halvesOf(image);
    const firstRecord = headerBytes / 4;
    putWord(halves, 0, base + headerBytes);
    putWord(halves, wordBytes / 4, recordAddress(this.#failed, base));
    for (const { at, to } of this.#toLabel) putWord(halves, firstRecord + at, recordAddress(to, base));
    putAddresses(halves, this.#toData, { first: firstRecord, scale: 1, base: base + dataStart });
    putAddresses(halves, this.#toRecords, { first: firstRecord, scale: 1, base });
    putAddresses(halves, this.#pointers, { first: dataStart / 4, scale: 1 / 4, base: base + dataStart });
    return image;
  }
}

/** `pairs`: where a word is (times `scale`, from the half `first` on), and what it points to behind `base`. */
function putAddresses(
  halves: Uint32Array,
  pairs: readonly number[],
  { first, scale, base }: { readonly first: number; readonly scale: number; readonly base: number },
): void {
  for (let index = 0; index < pairs.length; index += 2) {
    const at = first + (pairs[index] ?? 0) * scale;
    const address = base + (pairs[index + 1] ?? 0);
    halves[at] = address;
    halves[at + 1] = address / 0x1_0000_0000;
  }
}

function recordAddress({ record, address }: Label, base: number): number {
  if (address !== undefined) return address;
  if (record === undefined) throw new Error('a label of the program was never placed');
  return base + headerBytes + record * recordBytes;
}
