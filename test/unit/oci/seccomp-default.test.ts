import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultProfileHash } from '../../../src/linux/seccomp.ts';
import { resolveSeccomp, seccompArch } from '../../../src/oci/seccomp.ts';
import { defaultSeccompProfile } from '../../../src/oci/seccomp-default.ts';

const actionsOf = (name: string, capabilities: readonly string[], arch = 'x64') =>
  resolveSeccomp(defaultSeccompProfile, { capabilities, arch: seccompArch(arch), kernel: '6.1.0' })
    .rules.filter(({ names }) => names.includes(name))
    .map(({ action, value }) => `${action} ${value}`);

describe('default seccomp profile [U]', () => {
  it('has the hash that names its compiled filters (a changed table needs a new defaultProfileHash)', () => {
    const hash = createHash('sha256').update(JSON.stringify(defaultSeccompProfile)).digest('hex').slice(0, 16);
    expect(defaultProfileHash).toBe(hash);
  });

  it('decides once about every call that has no conditions on its arguments', () => {
    const { rules } = resolveSeccomp(defaultSeccompProfile, {
      capabilities: [],
      arch: seccompArch('x64'),
      kernel: '6.1.0',
    });
    const names = rules.filter(({ args }) => args.length === 0).flatMap((rule) => rule.names);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it.each([
    ['chroot', 'CAP_SYS_CHROOT'],
    ['bpf', 'CAP_SYS_ADMIN'],
    ['kcmp', 'CAP_SYS_PTRACE'],
    ['settimeofday', 'CAP_SYS_TIME'],
    ['open_by_handle_at', 'CAP_DAC_READ_SEARCH'],
  ])('%s fails with EPERM without %s and is allowed with it', (name, cap) => {
    expect(actionsOf(name, [])).toEqual(['SCMP_ACT_ERRNO 1']);
    expect(actionsOf(name, [cap])).toEqual(['SCMP_ACT_ALLOW 0']);
  });

  it('allows arch_prctl on x86-64 only', () => {
    expect(actionsOf('arch_prctl', [])).toEqual(['SCMP_ACT_ALLOW 0']);
    expect(actionsOf('arch_prctl', [], 'arm64')).toEqual([]);
  });
});
