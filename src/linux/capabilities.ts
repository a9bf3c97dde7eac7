/** Capabilities by name and number (capabilities(7), linux/capability.h), and sets of them as capset(2) takes them. */
import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';

/** In the kernel's order: a name's index is its number. */
export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

/** A set as two 32-bit words, low first: the layout of capset(2)'s data, version 3. */
export type CapabilityMask = readonly [low: number, high: number];

const numbers = new Map<string, number>(capabilityNames.map((name, number) => [name, number]));

/** The number of `CAP_…`, or undefined for a name that this table does not know. */
export function capabilityNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** `net_admin`, `NET_ADMIN` and `cap_net_admin` as `CAP_NET_ADMIN`; INVALID for a name that does not exist. */
export function normalizeCapability(name: string): CapabilityName {
  const upper = name.toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  const known = capabilityNames.find((each) => each === full);
  if (known === undefined) {
    throw new CtrError('INVALID', `unknown capability ${JSON.stringify(name)}`, { hint: 'see capabilities(7)' });
  }
  return known;
}

/** The set of the named capabilities; names that the table does not know are an INVALID error. */
export function capabilityMask(names: readonly string[]): CapabilityMask {
  let low = 0;
  let high = 0;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) throw new CtrError('INVALID', `unknown capability ${JSON.stringify(name)}`);
    if (number < 32) low |= 1 << number;
    else high |= 1 << (number - 32);
  }
  return [low >>> 0, high >>> 0];
}

/** The names in a set, in the kernel's order; bits without a name are left out. */
export function capabilitiesIn([low, high]: CapabilityMask): CapabilityName[] {
  return capabilityNames.filter((_name, number) => ((number < 32 ? low >>> number : high >>> (number - 32)) & 1) === 1);
}

/** The highest capability that the running kernel knows; a bounding set is dropped up to here (prctl(2)). */
export function lastCapability(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  } catch {
    return capabilityNames.length - 1; // /proc/sys is masked in some nested containers
  }
}
