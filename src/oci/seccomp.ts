/**
 * Seccomp profiles: the JSON that `--security-opt seccomp=FILE` takes, in the shape of Docker and Podman
 * (conditional rules, archMap) or of runtime-spec config-linux.md "Seccomp" (architectures).
 *
 * A profile depends on the container's capabilities, the architecture and the kernel; `resolveSeccomp` applies
 * those conditions, and what remains is a plain list of rules for linux/seccomp-compile.ts.
 */
import { constants } from 'node:os';
import { CtrError } from '../base/ctr-error.ts';
import { array, type Checked, literal, natural, object, optional, parseJson, string } from './check.ts';

const action = literal(
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
);

const argument = object({
  index: natural,
  value: natural,
  valueTwo: optional(natural),
  op: literal(
    'SCMP_CMP_NE',
    'SCMP_CMP_LT',
    'SCMP_CMP_LE',
    'SCMP_CMP_EQ',
    'SCMP_CMP_GE',
    'SCMP_CMP_GT',
    'SCMP_CMP_MASKED_EQ',
  ),
});

const condition = object({
  caps: optional(array(string)),
  arches: optional(array(string)),
  minKernel: optional(string),
});

const rule = object({
  name: optional(string),
  names: optional(array(string)),
  action,
  errnoRet: optional(natural),
  errno: optional(string),
  args: optional(array(argument)),
  includes: optional(condition),
  excludes: optional(condition),
});

const profile = object({
  defaultAction: action,
  defaultErrnoRet: optional(natural),
  defaultErrno: optional(string),
  architectures: optional(array(string)),
  archMap: optional(array(object({ architecture: string, subArchitectures: optional(array(string)) }))),
  listenerPath: optional(string),
  syscalls: optional(array(rule)),
});

export type SeccompProfile = Checked<typeof profile>;
export type SeccompRule = Checked<typeof rule>;
export type SeccompAction = Checked<typeof action>;
export type SeccompArgument = Checked<typeof argument>;
type Condition = Checked<typeof condition>;

/** What the conditions of a profile are about. */
export interface SeccompContext {
  /** `CAP_…` names of the container's bounding set. */
  readonly capabilities: readonly string[];
  readonly arch: SeccompArch;
  /** uname(2) release: `6.1.0-18-amd64`. */
  readonly kernel: string;
}

/** An architecture by its Go name in `arches`, its libseccomp name, and the ones whose calls it can make as well. */
export interface SeccompArch {
  readonly goName: 'amd64' | 'arm64';
  readonly scmpName: string;
}

export interface ResolvedAction {
  readonly action: SeccompAction;
  /** The errno (ERRNO) or message (TRACE); 0 for other actions. */
  readonly value: number;
}

export interface ResolvedRule extends ResolvedAction {
  readonly names: readonly string[];
  readonly args: readonly SeccompArgument[];
}

export interface ResolvedSeccomp {
  readonly defaultAction: ResolvedAction;
  /** libseccomp names (`SCMP_ARCH_X86`) beside the native one. */
  readonly architectures: readonly string[];
  readonly rules: readonly ResolvedRule[];
}

/** The architecture that Node calls `x64` or `arm64`. */
export function seccompArch(nodeArch: string): SeccompArch {
  if (nodeArch === 'x64') return { goName: 'amd64', scmpName: 'SCMP_ARCH_X86_64' };
  if (nodeArch === 'arm64') return { goName: 'arm64', scmpName: 'SCMP_ARCH_AARCH64' };
  throw new CtrError('UNSUPPORTED', `seccomp profiles are not supported on ${nodeArch}`, {
    hint: 'use --security-opt seccomp=unconfined',
  });
}

/** Read a profile's JSON; `what` (its path) begins the path in errors. */
export function parseSeccompProfile(text: string | Uint8Array, what: string): SeccompProfile {
  const read = parseJson(text, what, profile);
  if (read.listenerPath !== undefined || usesNotify(read)) {
    throw new CtrError('UNSUPPORTED', `${what}: SCMP_ACT_NOTIFY and listenerPath need a listener, which ctr has not`, {
      hint: 'use SCMP_ACT_ERRNO or SCMP_ACT_ALLOW for these system calls',
    });
  }
  if (read.architectures !== undefined && read.archMap !== undefined) {
    throw new CtrError('INVALID', `${what}: architectures and archMap exclude each other`);
  }
  for (const [at, { name, names, args }] of (read.syscalls ?? []).entries()) {
    const where = `${what}.syscalls[${at}]`;
    if ((name === undefined) === (names === undefined)) {
      throw new CtrError('INVALID', `${where}: expected either name or names`);
    }
    const high = args?.find(({ index }) => index > 5);
    if (high) throw new CtrError('INVALID', `${where}: a system call has arguments 0 to 5, not ${high.index}`);
  }
  return read;
}

/** The rules that hold for this container, machine and kernel, in the profile's order. */
export function resolveSeccomp(from: SeccompProfile, context: SeccompContext): ResolvedSeccomp {
  const { scmpName } = context.arch;
  const mapped = from.archMap?.find(({ architecture }) => architecture === scmpName)?.subArchitectures;
  return {
    defaultAction: resolveAction(from.defaultAction, from.defaultErrnoRet, from.defaultErrno),
    architectures: (mapped ?? from.architectures ?? []).filter((name) => name !== scmpName),
    rules: (from.syscalls ?? [])
      .filter(({ includes, excludes }) => holds(includes, context) && !excluded(excludes, context))
      .map((each) => ({
        names: each.names ?? (each.name === undefined ? [] : [each.name]),
        args: each.args ?? [],
        ...resolveAction(each.action, each.errnoRet, each.errno),
      })),
  };
}

/** `errnoRet` wins over the name in `errno`, which only Podman's profiles have; EPERM without both (runtime-spec). */
function resolveAction(what: SeccompAction, errnoRet?: number, errno?: string): ResolvedAction {
  if (what !== 'SCMP_ACT_ERRNO' && what !== 'SCMP_ACT_TRACE') return { action: what, value: 0 };
  const named = Object.entries(constants.errno).find(([name]) => name === errno)?.[1];
  return { action: what, value: errnoRet ?? named ?? constants.errno.EPERM };
}

function usesNotify({ defaultAction, syscalls = [] }: SeccompProfile): boolean {
  return defaultAction === 'SCMP_ACT_NOTIFY' || syscalls.some((each) => each.action === 'SCMP_ACT_NOTIFY');
}

/** `includes`: every part must hold; of `caps` all are needed, of `arches` one. */
function holds(includes: Condition | undefined, context: SeccompContext): boolean {
  const { caps = [], arches = [], minKernel } = includes ?? {};
  return (
    caps.every((cap) => context.capabilities.includes(cap)) &&
    (arches.length === 0 || arches.includes(context.arch.goName)) &&
    (minKernel === undefined || isKernelAtLeast(context.kernel, minKernel))
  );
}

/** `excludes`: any part that holds drops the rule. */
function excluded(excludes: Condition | undefined, context: SeccompContext): boolean {
  const { caps = [], arches = [], minKernel } = excludes ?? {};
  return (
    caps.some((cap) => context.capabilities.includes(cap)) ||
    arches.includes(context.arch.goName) ||
    (minKernel !== undefined && isKernelAtLeast(context.kernel, minKernel))
  );
}

/** True when the release `kernel` (`6.1.0-18-amd64`) is `wanted` (`5.11`) or newer. */
export function isKernelAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
