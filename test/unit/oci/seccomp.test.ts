import { describe, expect, it } from 'vitest';
import { isKernelAtLeast, parseSeccompProfile, resolveSeccomp, seccompArch } from '../../../src/oci/seccomp.ts';

const context = { capabilities: ['CAP_CHOWN'], arch: seccompArch('x64'), kernel: '5.10.0-8-amd64' };
const allow = (more: object) => ({ names: ['read'], action: 'SCMP_ACT_ALLOW', ...more });
const profileOf = (more: object) => JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', ...more });
const resolve = (more: object) => resolveSeccomp(parseSeccompProfile(profileOf(more), 'p.json'), context);

describe('parseSeccompProfile [U]', () => {
  it.each([
    ['not JSON', '{', 'p.json: not valid JSON'],
    ['an unknown action', '{"defaultAction":"ALLOW"}', 'p.json.defaultAction: expected'],
    ['a rule without names', profileOf({ syscalls: [{ action: 'SCMP_ACT_ALLOW' }] }), 'p.json.syscalls[0]'],
    [
      'a seventh argument',
      profileOf({ syscalls: [allow({ args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] })] }),
      '6',
    ],
    ['architectures beside archMap', profileOf({ architectures: [], archMap: [] }), 'exclude each other'],
  ])('refuses %s and says where', (_what, text, message) => {
    expect(() => parseSeccompProfile(text, 'p.json')).toThrow(message);
  });

  it.each([{ listenerPath: '/run/agent.sock' }, { syscalls: [allow({ action: 'SCMP_ACT_NOTIFY' })] }])(
    'says that a listener is not supported: %j',
    (more) => {
      expect(() => parseSeccompProfile(profileOf(more), 'p.json')).toThrow('listener');
    },
  );
});

describe('resolveSeccomp [U]', () => {
  it.each([
    ['includes caps, all held', { includes: { caps: ['CAP_CHOWN'] } }, 1],
    ['includes caps, one missing', { includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }, 0],
    ['excludes caps, one held', { excludes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }, 0],
    ['excludes caps, none held', { excludes: { caps: ['CAP_SYS_ADMIN'] } }, 1],
    ['includes another architecture', { includes: { arches: ['arm64', 'arm'] } }, 0],
    ['includes this architecture', { includes: { arches: ['arm64', 'amd64'] } }, 1],
    ['includes an older kernel', { includes: { minKernel: '4.8' } }, 1],
    ['includes a newer kernel', { includes: { minKernel: '5.11' } }, 0],
    ['excludes an older kernel', { excludes: { minKernel: '5.10' } }, 0],
  ])('%s: %j keeps %i rule(s)', (_what, more, count) => {
    expect(resolve({ syscalls: [allow(more)] }).rules).toHaveLength(count);
  });

  it('fails with EPERM where a profile names no errno, and lets errnoRet win over errno', () => {
    expect(resolve({}).defaultAction.value).toBe(1);
    expect(resolve({ defaultErrno: 'ENOSYS' }).defaultAction.value).toBe(38);
    expect(resolve({ defaultErrno: 'ENOSYS', defaultErrnoRet: 13 }).defaultAction.value).toBe(13);
  });

  it('takes the sub-architectures of archMap and the list of an OCI profile, without the native one', () => {
    const archMap = [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }];
    expect(resolve({ archMap }).architectures).toEqual(['SCMP_ARCH_X86']);
    const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'];
    expect(resolve({ architectures }).architectures).toEqual(['SCMP_ARCH_X32']);
  });

  it('reads the single name of old profiles', () => {
    expect(resolve({ syscalls: [{ name: 'read', action: 'SCMP_ACT_ALLOW' }] }).rules[0]?.names).toEqual(['read']);
  });
});

describe('isKernelAtLeast [U]', () => {
  it.each([
    ['5.10.0-8-amd64', '5.10', true],
    ['5.9.1', '5.10', false],
    ['6.1-rc2', '5.11', true],
    ['4.20', '5.0', false],
  ])('%s against %s is %s', (kernel, wanted, expected) => {
    expect(isKernelAtLeast(kernel, wanted)).toBe(expected);
  });
});
