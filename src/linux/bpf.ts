/** Small seccomp filters, written by hand: seccomp(2) "struct seccomp_data", linux/bpf_common.h, linux/audit.h. */

/** The codes that such filters need: load a word of struct seccomp_data, compare it, mask it, return an action. */
export const bpf = { loadWord: 0x20, jumpIfEqual: 0x15, and: 0x54, returnValue: 0x06 } as const;

export const seccompAction = { allow: 0x7fff0000, errno: 0x00050000, notify: 0x7fc00000 } as const;

/** Offsets in struct seccomp_data, of arguments their lower half (both architectures are little-endian). */
export const seccompData = { number: 0, arch: 4, argument: (index: number) => 16 + 8 * index } as const;

/** AUDIT_ARCH_…, by process.arch. */
export const auditArch: Readonly<Record<string, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Jumps are counted in instructions from the next one on. */
export type BpfInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

/** An array of struct sock_filter. */
export function assembleBpf(instructions: readonly BpfInstruction[]): Uint8Array {
  const program = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jumpTrue, index * 8 + 2);
    program.writeUInt8(jumpFalse, index * 8 + 3);
    program.writeUInt32LE(value, index * 8 + 4);
  });
  return program;
}
