/**
 * For containers whose user namespace has a single id: calls that change owners or ids succeed without doing anything,
 * so that package managers, which chown every file and refuse to go on when that fails, work. It is a second seccomp
 * filter beside the profile's: seccomp(2) takes the strictest answer, and errno 0 is stricter than "allow".
 */

/** linux/bpf_common.h, linux/seccomp.h, linux/audit.h */
const [loadWord, jumpIfEqual, returnValue] = [0x20, 0x15, 0x06];
const [allow, errno] = [0x7fff0000, 0x00050000];
const [numberOffset, archOffset] = [0, 4];
const auditArch: Readonly<Record<string, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Numbers on x86-64 and arm64; arm64 has no chown and lchown. */
const pretended: Readonly<Record<string, readonly number[]>> = {
  // chown fchown lchown setuid setgid setreuid setregid setgroups setresuid setresgid setfsuid setfsgid fchownat
  x64: [92, 93, 94, 105, 106, 113, 114, 116, 117, 119, 122, 123, 260],
  // fchownat fchown setregid setgid setreuid setuid setresuid setresgid setfsuid setfsgid setgroups
  arm64: [54, 55, 143, 144, 145, 146, 147, 149, 151, 152, 159],
};

/** An array of struct sock_filter. */
export function ownershipFilter(arch: string = process.arch): Uint8Array {
  const numbers = pretended[arch] ?? [];
  const instructions: Array<readonly [code: number, jumpTrue: number, jumpFalse: number, value: number]> = [
    [loadWord, 0, 0, archOffset],
    [jumpIfEqual, 0, numbers.length + 1, auditArch[arch] ?? 0],
    [loadWord, 0, 0, numberOffset],
    ...numbers.map((number, index) => [jumpIfEqual, numbers.length - index, 0, number] as const),
    [returnValue, 0, 0, allow],
    [returnValue, 0, 0, errno],
  ];
  const program = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jumpTrue, index * 8 + 2);
    program.writeUInt8(jumpFalse, index * 8 + 3);
    program.writeUInt32LE(value, index * 8 + 4);
  });
  return program;
}
