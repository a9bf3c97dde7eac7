/** The steps that give up power: ids, groups, capability sets, no_new_privs, seccomp. capabilities(7), credentials(7) */
import { capabilityMask, capabilityNumber, lastCapability } from '../linux/capabilities.ts';
import { LINUX_CAPABILITY_VERSION_3, PR, PR_CAP_AMBIENT, SECCOMP_SET_MODE_FILTER } from '../linux/constants.ts';
import type { Program } from '../linux/program.ts';
import type { RuntimeCapabilities } from '../oci/runtime.ts';
import type { Step } from './steps.ts';

const privilegeKinds = ['become-root', 'bounding-set', 'user', 'capabilities', 'no-new-privileges', 'seccomp'] as const;
type PrivilegeStep = Extract<Step, { kind: (typeof privilegeKinds)[number] }>;

export function isPrivilegeStep(step: Step): step is PrivilegeStep {
  return privilegeKinds.some((kind) => kind === step.kind);
}

export function compilePrivilegeStep(program: Program, step: PrivilegeStep): void {
  switch (step.kind) {
    case 'become-root':
      if (step.clearGroups) program.call('setgroups', [0, 0]);
      program.call('setresgid', [0, 0, 0]);
      return program.call('setresuid', [0, 0, 0]);
    case 'bounding-set':
      return boundingSet(program, step.keep);
    case 'user': {
      if (!step.keepGroups) program.call('setgroups', [step.groups.length, gidArray(program, step.groups)]);
      // KEEPCAPS: the permitted set survives the change of uid, for the capabilities step that follows.
      program.call('prctl', [PR.SET_KEEPCAPS, 1, 0, 0, 0]);
      program.call('setresgid', [step.gid, step.gid, step.gid]);
      return program.call('setresuid', [step.uid, step.uid, step.uid]);
    }
    case 'capabilities':
      return setCapabilities(program, step.sets);
    case 'no-new-privileges':
      return program.call('prctl', [PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
    case 'seccomp': {
      const fprog = program.words([step.filter.length / 8, program.bytes(step.filter)]);
      return program.call('seccomp', [SECCOMP_SET_MODE_FILTER, 0, fprog]);
    }
  }
}

function gidArray(program: Program, groups: readonly number[]) {
  const gids = Buffer.alloc(groups.length * 4);
  groups.forEach((gid, index) => {
    gids.writeUInt32LE(gid, index * 4);
  });
  return program.bytes(gids);
}

function boundingSet(program: Program, keep: readonly string[]): void {
  const kept = new Set(keep.map(capabilityNumber));
  const last = lastCapability();
  for (let capability = 0; capability <= last; capability++) {
    if (!kept.has(capability)) program.call('prctl', [PR.CAPBSET_DROP, capability, 0, 0, 0]);
  }
}

/** capset(2), version 3: {effective, permitted, inheritable} for bits 0-31, then for 32-63. */
function setCapabilities(program: Program, sets: RuntimeCapabilities): void {
  const header = program.words([LINUX_CAPABILITY_VERSION_3]);
  const data = Buffer.alloc(24);
  [sets.effective, sets.permitted, sets.inheritable].forEach((names, index) => {
    const [low, high] = capabilityMask(names);
    data.writeUInt32LE(low, index * 4);
    data.writeUInt32LE(high, 12 + index * 4);
  });
  program.call('capset', [header, program.bytes(data)]);
  for (const name of sets.ambient) {
    program.call('prctl', [PR.CAP_AMBIENT, PR_CAP_AMBIENT.RAISE, capabilityNumber(name) ?? -1, 0, 0]);
  }
}
