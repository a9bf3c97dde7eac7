/**
 * For containers whose user namespace has a single id: calls that change owners or ids succeed without doing anything,
 * so that package managers, which chown every file and refuse to go on when that fails, work. It is a second seccomp
 * filter beside the profile's: seccomp(2) takes the strictest answer, and errno 0 is stricter than "allow".
 */

import { assembleBpf, auditArch, bpf, seccompAction, seccompData } from './bpf.ts';

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
  return assembleBpf([
    [bpf.loadWord, 0, 0, seccompData.arch],
    [bpf.jumpIfEqual, 0, numbers.length + 1, auditArch[arch] ?? 0],
    [bpf.loadWord, 0, 0, seccompData.number],
    ...numbers.map((number, index) => [bpf.jumpIfEqual, numbers.length - index, 0, number] as const),
    [bpf.returnValue, 0, 0, seccompAction.allow],
    [bpf.returnValue, 0, 0, seccompAction.errno],
  ]);
}
