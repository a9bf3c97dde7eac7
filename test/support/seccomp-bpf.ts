/** A classic-BPF machine for seccomp filters (seccomp(2), linux/filter.h): says what a filter answers to one call. */

/** AUDIT_ARCH_X86_64, …_AARCH64 (linux/audit.h). */
export const auditArch = process.arch === 'arm64' ? 0xc000_00b7 : 0xc000_003e;

export interface SeccompCall {
  readonly nr: number;
  readonly args?: readonly number[];
  readonly arch?: number;
}

/** `allow`, `errno 38`, `kill` or the raw word. */
export function answerOf(filter: Uint8Array, call: SeccompCall): string {
  const word = run(filter, seccompData(call));
  if (word === 0x7fff_0000) return 'allow';
  if ((word & 0xffff_0000) === 0x0005_0000) return `errno ${word & 0xffff}`;
  return word === 0 ? 'kill' : `0x${word.toString(16)}`;
}

/** struct seccomp_data: nr, arch, instruction pointer, six 64-bit arguments. */
function seccompData({ nr, args = [], arch = auditArch }: SeccompCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, nr, true);
  data.setUint32(4, arch, true);
  for (const [at, value] of args.entries()) data.setBigUint64(16 + at * 8, BigInt(value), true);
  return data;
}

function run(filter: Uint8Array, data: DataView): number {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  let a = 0;
  for (let pc = 0; pc * 8 < filter.length; pc++) {
    const [op, k] = [code.getUint16(pc * 8, true), code.getUint32(pc * 8 + 4, true)];
    const jump = (isTrue: boolean) => {
      pc += code.getUint8(pc * 8 + (isTrue ? 2 : 3));
    };
    if (op === 0x20) a = data.getUint32(k, true);
    else if (op === 0x54) a = (a & k) >>> 0;
    else if (op === 0x05) pc += k;
    else if (op === 0x15) jump(a === k);
    else if (op === 0x25) jump(a > k);
    else if (op === 0x35) jump(a >= k);
    else if (op === 0x45) jump((a & k) !== 0);
    else if (op === 0x06) return k;
    else throw new Error(`instruction ${pc}: unknown opcode 0x${op.toString(16)}`);
  }
  throw new Error('the filter ends without an answer');
}
