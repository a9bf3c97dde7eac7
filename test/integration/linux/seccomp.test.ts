/** Filters as the kernel sees them: compiled by libseccomp, run in a BPF machine, and installed for real. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { capabilityNames } from '../../../src/linux/capabilities.ts';
import { callIn } from '../../../src/linux/ffi.ts';
import { seccompFilterFor } from '../../../src/linux/seccomp.ts';
import { compileFor } from '../../../src/linux/seccomp-filter.ts';
import { parseSeccompProfile } from '../../../src/oci/seccomp.ts';
import { defaultSeccompProfile } from '../../../src/oci/seccomp-default.ts';
import { answerOf } from '../../support/seccomp-bpf.ts';

const folder = mkdtempSync(join(tmpdir(), 'ctr-seccomp-'));
afterAll(() => rmSync(folder, { recursive: true }));
const nr = (name: string) => callIn('libseccomp.so.2', 'seccomp_syscall_resolve_name', 'i32', [['str', name]]).value;
const published = '/usr/share/containers/seccomp.json';
const hasCompiler = existsSync('/usr/bin/gcc');

describe('the default filter [I] seccomp(2)', () => {
  const filter = compileFor(defaultSeccompProfile, ['CAP_CHOWN']);
  const answer = (name: string, ...args: number[]) => answerOf(filter, { nr: nr(name), args });

  it.each(['read', 'clone3', 'mount', 'unshare', 'keyctl', 'fork', 'setns'])('allows %s', (name) => {
    expect(answer(name)).toBe('allow');
  });

  it.each(['bpf', 'chroot', 'init_module', 'kexec_load', 'userfaultfd', 'perf_event_open'])(
    'answers EPERM to %s',
    (name) => {
      expect(answer(name)).toBe('errno 1');
    },
  );

  it('answers ENOSYS to what it does not know', () => {
    expect(answer('io_uring_setup')).toBe('errno 38');
    expect(answerOf(filter, { nr: 9999 })).toBe('errno 38');
  });

  it('lets personality choose Linux and ask, but not switch off address randomisation', () => {
    expect(answer('personality', 0)).toBe('allow');
    expect(answer('personality', 0xffff_ffff)).toBe('allow');
    expect(answer('personality', 0x004_0000)).toBe('errno 38');
  });

  it('answers EINVAL to an audit socket and allows other netlink sockets', () => {
    expect(answer('socket', 16, 3, 9)).toBe('errno 22');
    expect(answer('socket', 16, 3, 0)).toBe('allow');
    expect(answer('socket', 2, 1, 9)).toBe('allow');
  });

  it.skipIf(process.arch !== 'x64')('kills a call of a foreign architecture and judges 32-bit calls', () => {
    expect(answerOf(filter, { nr: 0, arch: 0xc000_00b7 })).toBe('kill');
    expect(answerOf(filter, { nr: 3, arch: 0x4000_0003 })).toBe('allow'); // i386 read
    expect(answerOf(filter, { nr: 357, arch: 0x4000_0003 })).toBe('errno 1'); // i386 bpf
  });
});

describe.skipIf(!existsSync(published))(`the default filter against ${published} [I]`, () => {
  const theirs = parseSeccompProfile(readFileSync(published), published);
  /** Calls that newer editions of the published profile allow as well. */
  const newer = ['futex_waitv', 'cachestat', 'fchmodat2', 'map_shadow_stack', 'futex_wake', 'futex_wait', 'mseal'];
  const known = new Set(
    [...newer, 'futex_requeue', 'statmount', 'listmount', 'setxattrat', 'getxattrat', 'listxattrat', 'removexattrat']
      .map(nr)
      .filter((number) => number >= 0),
  );

  it.each([
    ['no capability', []],
    ['the default capabilities', ['CAP_CHOWN', 'CAP_SYS_CHROOT', 'CAP_AUDIT_WRITE']],
    ['all capabilities', [...capabilityNames]],
    ...['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_TIME', 'CAP_SYS_MODULE'].map((cap): [string, string[]] => [
      cap,
      [cap],
    ]),
  ])('gives the same answer to every call with %s', (_title, caps) => {
    const filters = [compileFor(defaultSeccompProfile, caps), compileFor(theirs, caps)] as const;
    const args = [[], [8], [16, 3, 9], [16, 3, 0], [2, 1, 9], [0x2_0008], [0xffff_ffff]];
    const calls = Array.from({ length: 600 }, (_, number) => number).filter((number) => !known.has(number));
    const different = calls.flatMap((number) =>
      args
        .map((list) => filters.map((each) => answerOf(each, { nr: number, args: list })))
        .filter(([a, b]) => a !== b)
        .map((pair) => `${number}: ${pair.join(' against ')}`),
    );
    expect(different).toEqual([]);
  });
});

describe('seccompFilterFor [I]', () => {
  it('keeps the compiled filter, one per capability set, and gives back the same bytes', async () => {
    const cacheDir = join(folder, 'cache');
    const request = { profile: 'default', capabilities: ['CAP_CHOWN'], cacheDir };
    const first = await seccompFilterFor(request);
    expect(await seccompFilterFor(request)).toEqual(first);
    await seccompFilterFor({ ...request, capabilities: ['CAP_SYS_ADMIN'] });
    expect(readdirSync(cacheDir).map((name) => name.replace(/^.*\./, ''))).toEqual(['bpf', 'bpf']);
  });

  it('compiles anew when the kept file is empty', async () => {
    const cacheDir = join(folder, 'torn');
    const request = { profile: 'default', capabilities: [], cacheDir };
    const first = await seccompFilterFor(request);
    const [name = ''] = readdirSync(cacheDir);
    writeFileSync(join(cacheDir, name), '');
    expect(await seccompFilterFor(request)).toEqual(first);
  });

  it('works without a place to keep filters', async () => {
    const request = { profile: 'default', capabilities: [], cacheDir: '/dev/null/cache' };
    expect((await seccompFilterFor(request)).length).toBeGreaterThan(0);
  });

  it('follows a profile that was edited in place', async () => {
    const profile = join(folder, 'p.json');
    const request = { profile, capabilities: [], cacheDir: join(folder, 'own') };
    const write = (errnoRet: number) =>
      writeFileSync(
        profile,
        JSON.stringify({
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['mkdir', 'no_such_call'], action: 'SCMP_ACT_ERRNO', errnoRet }],
        }),
      );
    write(13);
    expect(answerOf(await seccompFilterFor(request), { nr: nr('mkdir') })).toBe('errno 13');
    write(30);
    expect(answerOf(await seccompFilterFor(request), { nr: nr('mkdir') })).toBe('errno 30');
  });

  it('names a profile that is not there', async () => {
    const request = { profile: '/nonexistent.json', capabilities: [], cacheDir: folder };
    await expect(seccompFilterFor(request)).rejects.toThrow('cannot read the seccomp profile /nonexistent.json');
  });
});

describe.skipIf(!hasCompiler)('an installed filter [I] (skipped without gcc: it needs a C program)', () => {
  it('is accepted by the kernel and refuses what the profile refuses', () => {
    const source = join(import.meta.dirname, '../../support/seccomp-probe.c');
    const program = join(folder, 'probe');
    execFileSync('gcc', ['-o', program, source]);
    const filter = join(folder, 'filter.bpf');
    writeFileSync(filter, compileFor(defaultSeccompProfile, []));
    expect(JSON.parse(execFileSync(program, [filter], { encoding: 'utf8' }))).toEqual({
      getpid: 0,
      chroot: 1,
      bpf: 1,
      io_uring_setup: 38,
      personality_query: 0,
      personality_no_randomize: 38,
      audit_socket: 22,
    });
  });
});
