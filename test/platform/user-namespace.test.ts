/** What the kernel must let an unprivileged user do; a failure here says that the host is different. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CLONE, MS } from '../../src/linux/constants.ts';
import type { Program } from '../../src/linux/program.ts';
import { type Trial, tryInUserNamespace } from '../../src/linux/user-namespace-trial.ts';

const folder = mkdtempSync(join(tmpdir(), 'ctr-platform-'));
afterAll(() => rmSync(folder, { recursive: true }));
const all = CLONE.NEWNS | CLONE.NEWPID | CLONE.NEWIPC | CLONE.NEWUTS | CLONE.NEWNET;
const outcome = (build: Trial['build'], flags: number = CLONE.NEWNS) => tryInUserNamespace({ flags, build })?.message;
const mount = (program: Program, type: string, target: string, flags = 0, data = '') => {
  const name = program.text(type);
  program.call('mount', [name, program.text(target), name, flags, data === '' ? 0 : program.text(data)]);
};
const privately = (program: Program) =>
  program.call('mount', [program.text('none'), program.text('/'), 0, MS.REC | MS.PRIVATE, 0]);

describe('user namespaces on this host [P]', () => {
  it('this kernel makes mount, pid, ipc, uts and network namespaces in a user namespace', () => {
    expect(outcome(() => {}, all)).toBeUndefined();
  });

  it('this kernel mounts tmpfs in a user namespace', () => {
    expect(outcome((program) => mount(program, 'tmpfs', folder, MS.NOSUID, 'size=1m'))).toBeUndefined();
  });

  it('this kernel mounts a new proc in a user namespace (nothing of /proc is masked here)', () => {
    expect(outcome((program) => mount(program, 'proc', '/proc'), CLONE.NEWNS | CLONE.NEWPID)).toBeUndefined();
  });

  it('this kernel has the new mount interface: fsopen, fsconfig, fsmount, move_mount (5.2)', () => {
    const failure = outcome((program) => {
      const [context, mounted] = [program.variable(), program.variable()];
      privately(program);
      program.call('fsopen', [program.text('tmpfs'), 1], { into: context });
      program.call('fsconfig', [context, 6, 0, 0, 0]);
      program.call('fsmount', [context, 1, 0], { into: mounted });
      program.call('move_mount', [mounted, program.text(''), -100, program.text(folder), 4]);
    });
    expect(failure).toBeUndefined();
  });

  it('this kernel changes mounts recursively by mount_setattr (5.12)', () => {
    const failure = outcome((program) => {
      privately(program);
      mount(program, 'tmpfs', folder);
      const attributes = program.words([1, 0, 0, 0]); // MOUNT_ATTR_RDONLY
      program.call('mount_setattr', [-100, program.text(folder), 0x8000, attributes, 32]);
    });
    expect(failure).toBeUndefined();
  });

  it('this kernel keeps paths below a directory by openat2 (5.6): inside its root, or EXDEV', () => {
    const open = (path: string, resolve: number) => (program: Program) => {
      const directory = program.variable();
      program.call('openat', [-100, program.text(folder), 0, 0], { into: directory });
      program.call('openat2', [directory, program.text(path), program.words([0, 0, resolve]), 24]);
    };
    const [RESOLVE_BENEATH, RESOLVE_IN_ROOT] = [0x08, 0x10];
    expect(outcome(open('/../..', RESOLVE_IN_ROOT), 0)).toBeUndefined();
    expect(outcome(open('..', RESOLVE_BENEATH), 0)).toBe('openat2 = EXDEV');
  });

  it('a refused call is reported with its name and errno', () => {
    expect(outcome((program) => mount(program, 'no-such-type', folder))).toBe('mount = ENODEV');
  });
});
