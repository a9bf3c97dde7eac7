/**
 * The smallest program there is for another architecture: an ELF file (elf(5)) that ends with a given exit code. That it
 * runs shows that the kernel has a handler for the architecture (binfmt_misc), whatever the handler is called.
 */

interface Machine {
  /** e_machine. */
  readonly id: number;
  readonly bits: 32 | 64;
  readonly isBig?: true;
  /** Machine code of exit(code): syscalls(2), syscall(2) "Architecture calling conventions". */
  exit(code: number): readonly number[];
}

const word = (value: number) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];

/** By the names of Go. `code` is 0 to 127. */
const machines: Readonly<Record<string, Machine>> = {
  // xor/mov edi, code; mov eax, 60; syscall
  amd64: { id: 62, bits: 64, exit: (code) => [0xbf, ...word(code), 0xb8, ...word(60), 0x0f, 0x05] },
  // mov ebx, code; mov eax, 1; int 0x80
  '386': { id: 3, bits: 32, exit: (code) => [0xbb, ...word(code), 0xb8, ...word(1), 0xcd, 0x80] },
  // mov x0, code; mov x8, 93; svc 0
  arm64: { id: 183, bits: 64, exit: (code) => [0xd2800000 | (code << 5), 0xd2800ba8, 0xd4000001].flatMap(word) },
  // mov r0, code; mov r7, 1; svc 0
  arm: { id: 40, bits: 32, exit: (code) => [0xe3a00000 | code, 0xe3a07001, 0xef000000].flatMap(word) },
  // li a0, code; li a7, 93; ecall
  riscv64: { id: 243, bits: 64, exit: (code) => [0x513 | (code << 20), 0x05d00893, 0x73].flatMap(word) },
  // li r0, 1; li r3, code; sc
  ppc64le: { id: 21, bits: 64, exit: (code) => [0x38000001, 0x38600000 | code, 0x44000002].flatMap(word) },
  // lghi %r2, code; svc 1
  s390x: { id: 22, bits: 64, isBig: true, exit: (code) => [0xa7, 0x29, 0, code, 0x0a, 1] },
};

/** Undefined for an architecture whose machine code is not known here. */
export function programFor(architecture: string, exitCode = 0): Buffer | undefined {
  const machine = Object.hasOwn(machines, architecture) ? machines[architecture] : undefined;
  return machine && elf(machine, Buffer.from(machine.exit(exitCode)));
}

const loadAddress = 0x400000;

/** One loadable, executable segment that is the whole file. */
function elf({ id, bits, isBig }: Machine, code: Buffer): Buffer {
  const isWide = bits === 64;
  const [headerSize, segmentSize] = isWide ? [64, 56] : [52, 32];
  const start = headerSize + segmentSize;
  const fields: number[] = [];
  const put = (value: number, size: number) => {
    const bytes = Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** at) % 256);
    fields.push(...(isBig ? bytes.reverse() : bytes));
  };
  const address = (value: number) => put(value, bits / 8);
  fields.push(0x7f, 0x45, 0x4c, 0x46, isWide ? 2 : 1, isBig ? 2 : 1, 1, ...new Array(9).fill(0));
  for (const [value, size] of [
    [2, 2],
    [id, 2],
    [1, 4],
  ] as const)
    put(value, size);
  for (const value of [loadAddress + start, headerSize, 0]) address(value);
  // e_flags: the ABI, which arm (EABI 5) and ppc64le (v2) insist on.
  put(id === 40 ? 0x05000000 : id === 21 ? 2 : 0, 4);
  for (const value of [headerSize, segmentSize, 1, 0, 0, 0]) put(value, 2);
  const [readAndExecute, size] = [5, start + code.length];
  put(1, 4);
  if (isWide) put(readAndExecute, 4);
  for (const value of [0, loadAddress, loadAddress, size, size]) address(value);
  if (!isWide) put(readAndExecute, 4);
  address(0x1000);
  return Buffer.concat([Buffer.from(fields), code]);
}
