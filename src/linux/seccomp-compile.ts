/**
 * Rules → BPF, by libseccomp (seccomp_init(3) and its neighbours). Loaded only when no compiled filter is cached.
 *
 * Should:  skip calls that this libseccomp or architecture does not know, as crun and runc do.
 * Mustn't: install the filter: Node's own threads would get it.
 */
import { closeSync, readSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { ResolvedAction, ResolvedRule, ResolvedSeccomp, SeccompAction, SeccompArgument } from '../oci/seccomp.ts';
import { type CType, type CValue, callIn, errnoName, libc } from './ffi.ts';

const library = 'libseccomp.so.2';

/** seccomp.h: SCMP_ACT_…; ERRNO and TRACE carry a value in the low 16 bits. */
const actions: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

const comparisons: Readonly<Record<SeccompArgument['op'], number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** linux/audit.h AUDIT_ARCH_…, of the architectures that x86-64 and arm64 kernels can run. */
const archTokens: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_ARM: 0x4000_0028,
};

const SCMP_FLTATR_CTL_OPTIMIZE = 8;
const NR_SCMP_ERROR = -1;
const MFD_CLOEXEC = 1;
const EEXIST = 17;

/** Compile `rules` into an array of struct sock_filter (seccomp(2)); throws CtrError when libseccomp is missing. */
export function compileSeccomp({ defaultAction, architectures, rules }: ResolvedSeccomp): Buffer {
  const filter = newFilter(defaultAction);
  try {
    for (const name of architectures) addArchitecture(filter, name);
    // A binary tree over the call numbers instead of a chain of some 450 comparisons; libseccomp before 2.5 has none.
    seccomp('seccomp_attr_set', ['i64', filter], ['i32', SCMP_FLTATR_CTL_OPTIMIZE], ['i32', 2]);
    for (const rule of rules) addRule(filter, rule, defaultAction);
    return exportBpf(filter);
  } finally {
    callIn(library, 'seccomp_release', 'void', [['i64', filter]]);
  }
}

function newFilter(action: ResolvedAction): number {
  let filter: number;
  try {
    filter = callIn(library, 'seccomp_init', 'i64', [['i32', actionWord(action)]]).value;
  } catch (cause) {
    throw new CtrError('UNSUPPORTED', `cannot load ${library}, which compiles seccomp profiles`, {
      cause,
      hint: 'install libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora, Arch, Alpine), or use --security-opt seccomp=unconfined',
    });
  }
  if (filter === 0) throw new CtrError('INTERNAL', 'libseccomp cannot make a filter');
  return filter;
}

function addArchitecture(filter: number, name: string): void {
  const token = archTokens[name];
  if (token === undefined) return; // another machine's: an OCI profile may list all that it was written for
  const result = seccomp('seccomp_arch_add', ['i64', filter], ['i32', token | 0]);
  if (result < 0 && result !== -EEXIST) throw refusal(`architecture ${name}`, result);
}

function addRule(filter: number, rule: ResolvedRule, defaultAction: ResolvedAction): void {
  // libseccomp refuses a rule that says what happens anyway (EACCES)
  if (actionWord(rule) === actionWord(defaultAction)) return;
  for (const args of argumentChains(rule.args)) {
    const packed = packArguments(args);
    for (const name of rule.names) {
      const call = seccomp('seccomp_syscall_resolve_name', ['str', name]);
      if (call === NR_SCMP_ERROR) continue;
      const result = seccomp(
        'seccomp_rule_add_array',
        ['i64', filter],
        ['i32', actionWord(rule)],
        ['i32', call],
        ['i32', args.length],
        ['buf', packed],
      );
      // An earlier rule decides about this call already: the first one counts, as in crun
      if (result < 0 && result !== -EEXIST) throw refusal(`rule for ${name}`, result);
    }
  }
}

/**
 * Comparisons of one rule are joined by AND, but libseccomp takes one comparison per argument only: a rule that names
 * an argument twice becomes one rule per comparison (runtime-spec config-linux.md, "args").
 */
function argumentChains(args: readonly SeccompArgument[]): ReadonlyArray<readonly SeccompArgument[]> {
  const isRepeated = new Set(args.map(({ index }) => index)).size < args.length;
  return isRepeated ? args.map((each) => [each]) : [args];
}

/** struct scmp_arg_cmp { unsigned arg; enum op; uint64_t a, b }, `buf` may not be empty. */
function packArguments(args: readonly SeccompArgument[]): Buffer {
  const packed = Buffer.alloc(Math.max(1, args.length) * 24);
  for (const [at, { index, op, value, valueTwo = 0 }] of args.entries()) {
    packed.writeUInt32LE(index, at * 24);
    packed.writeUInt32LE(comparisons[op], at * 24 + 4);
    packed.writeBigUInt64LE(BigInt(value), at * 24 + 8);
    packed.writeBigUInt64LE(BigInt(valueTwo), at * 24 + 16);
  }
  return packed;
}

function exportBpf(filter: number): Buffer {
  const fd = libc('memfd_create', 'i32', ['str', 'seccomp'], ['i32', MFD_CLOEXEC]);
  try {
    const result = seccomp('seccomp_export_bpf', ['i64', filter], ['i32', fd]);
    if (result < 0) throw refusal('export', result);
    const program = Buffer.alloc(4096 * 8); // BPF_MAXINSNS
    return program.subarray(0, readSync(fd, program, 0, program.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** libseccomp returns -errno and leaves errno alone. */
function seccomp(name: string, ...args: ReadonlyArray<readonly [CType, CValue]>): number {
  return callIn(library, name, 'i32', args).value;
}

function actionWord({ action, value }: ResolvedAction): number {
  return actions[action] | (value & 0xffff);
}

function refusal(what: string, result: number): CtrError {
  return new CtrError('INVALID', `seccomp: libseccomp refuses the ${what}: ${errnoName(-result)}`);
}
