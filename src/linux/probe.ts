/**
 * What this kernel lets an unprivileged user do, found out by doing it. Probes are data: `ctr doctor` runs and prints
 * them, docs/kernel-features.md describes them.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import { isKernelAtLeast } from '../oci/seccomp.ts';
import { defaultSeccompProfile } from '../oci/seccomp-default.ts';
import { CLONE, MS } from './constants.ts';
import { kernelRelease, readKernelFile } from './host-files.ts';
import { compileFor } from './seccomp-filter.ts';
import { attempt, type Trial } from './user-namespace-trial.ts';

/** `degraded`: ctr works, on a lower rung. `failed`: containers do not start. */
export type ProbeStatus = 'ok' | 'degraded' | 'failed';

export interface ProbeResult {
  readonly status: ProbeStatus;
  /** What was found, one line. */
  readonly detail: string;
  /** What to do about it, one line; always there unless the status is ok. */
  readonly remedy?: string;
}

export interface Probe {
  readonly name: string;
  readonly title: string;
  run(): ProbeResult | Promise<ProbeResult>;
}

export const ok = (detail: string): ProbeResult => ({ status: 'ok', detail });
export const degraded = (detail: string, remedy: string): ProbeResult => ({ status: 'degraded', detail, remedy });
export const failed = (detail: string, remedy: string): ProbeResult => ({ status: 'failed', detail, remedy });

export const kernelProbes: readonly Probe[] = [
  { name: 'kernel', title: 'kernel version', run: probeKernel },
  { name: 'user-namespace', title: 'a user namespace can be made', run: probeUserNamespace },
  { name: 'namespaces', title: 'mount, pid, ipc, uts and network namespaces can be made in it', run: probeNamespaces },
  { name: 'proc', title: 'proc can be mounted in it', run: probeProc },
  { name: 'tun', title: '/dev/net/tun can be opened', run: probeTun },
  { name: 'seccomp', title: 'seccomp profiles can be compiled', run: probeSeccomp },
];

const allNamespaces = CLONE.NEWNS | CLONE.NEWPID | CLONE.NEWIPC | CLONE.NEWUTS | CLONE.NEWNET;
const nothing: Trial['build'] = () => {};

function probeKernel(): ProbeResult {
  const kernel = kernelRelease();
  if (isKernelAtLeast(kernel, '5.11')) return ok(kernel);
  const upgrade = 'use a kernel of version 5.11 or later';
  if (isKernelAtLeast(kernel, '5.9')) return degraded(`${kernel}: no overlay in user namespaces`, upgrade);
  return failed(`${kernel}: no close_range(2), which 5.9 brought`, upgrade);
}

function probeUserNamespace(): ProbeResult {
  const failure = attempt({ flags: 0, build: nothing });
  if (failure === undefined) return ok('made one');
  return failed(failure, userNamespaceRemedy());
}

/** Which of the known switches is off; the order is from the most specific one. */
function userNamespaceRemedy(): string {
  const sysctl = (path: string) => readKernelFile(`/proc/sys/${path}`);
  if (sysctl('user/max_user_namespaces') === '0') return 'sudo sysctl -w user.max_user_namespaces=15000';
  if (sysctl('kernel/unprivileged_userns_clone') === '0') return 'sudo sysctl -w kernel.unprivileged_userns_clone=1';
  if (sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with "userns," for ctr';
  }
  return 'in a container: run the outer one with --security-opt seccomp=unconfined; else ask who set the limits';
}

function probeNamespaces(): ProbeResult {
  const failure = attempt({ flags: allNamespaces, build: nothing });
  if (failure === undefined) return ok('made them');
  return failed(failure, 'raise the limits in /proc/sys/user/max_*_namespaces, which are 0 or used up');
}

/** The kernel refuses a new proc where the visible one has parts hidden (mount_too_revealing in fs/namespace.c). */
function probeProc(): ProbeResult {
  const failure = attempt({
    flags: CLONE.NEWNS | CLONE.NEWPID,
    build: (program) => {
      const none = program.text('none');
      program.call('mount', [none, program.text('/'), 0, MS.REC | MS.PRIVATE, 0]);
      program.call('mount', [program.text('proc'), program.text('/proc'), program.text('proc'), MS.NOSUID, 0]);
    },
  });
  if (failure === undefined) return ok('mounted one');
  return degraded(
    `${failure}: parts of /proc are masked here`,
    'run the outer container with --security-opt unmask=ALL (Docker: systempaths=unconfined), or use --pid host',
  );
}

function probeTun(): ProbeResult {
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR));
    return ok('opened it');
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT';
    return degraded(
      `${errnoOf(error)}: no network but none and host`,
      isMissing ? 'sudo modprobe tun; in a container: --device /dev/net/tun' : 'sudo chmod 666 /dev/net/tun',
    );
  }
}

function probeSeccomp(): ProbeResult {
  try {
    const instructions = compileFor(defaultSeccompProfile, []).length / 8;
    return ok(`the default profile has ${instructions} instructions`);
  } catch (error) {
    return degraded(
      error instanceof Error ? error.message : String(error),
      'install libseccomp2 (libseccomp on Fedora, Arch, Alpine), or use --security-opt seccomp=unconfined',
    );
  }
}
