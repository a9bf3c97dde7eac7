/**
 * Flags of `docker run` and `podman run` that ctr knows and cannot obey: accepted by the parser, refused with the reason
 * (or, where nothing is lost, told as a notice), so that a known flag is never "unknown".
 */

import { CtrError } from '../../base/ctr-error.ts';
import { type FlagSet, parseFlag } from '../flag-set.ts';

interface ForeignFlag {
  readonly flags: string;
  readonly reason: string;
  /** Nothing is lost without it: say so and go on. */
  readonly isHarmless?: true;
  /** Values that ask for what ctr does anyway. */
  readonly accepts?: readonly string[];
}

const noRealTime = 'real-time scheduling of groups exists in cgroup v1 only';
const onlyWindows = 'it exists for Windows containers only';

const foreignFlags: readonly ForeignFlag[] = [
  { flags: '--memory-swappiness <number>', reason: 'swappiness of groups exists in cgroup v1 only', accepts: ['-1'] },
  { flags: '--kernel-memory <size>', reason: 'the kernel has no separate limit of kernel memory any more (since 5.4)' },
  {
    flags: '--oom-kill-disable',
    reason: 'cgroup v2 cannot switch the OOM killer off; --oom-score-adj makes it less likely',
  },
  { flags: '--cpu-rt-period <microseconds>', reason: noRealTime },
  { flags: '--cpu-rt-runtime <microseconds>', reason: noRealTime },
  { flags: '--cpu-count <number>', reason: onlyWindows },
  { flags: '--cpu-percent <number>', reason: onlyWindows },
  { flags: '--io-maxbandwidth <size>', reason: onlyWindows },
  { flags: '--io-maxiops <number>', reason: onlyWindows },
  { flags: '--isolation <technology>', reason: onlyWindows },
  { flags: '--device-cgroup-rule <rule>', reason: 'device rules need root; --device makes one device available' },
  { flags: '--gpus <devices>', reason: 'GPUs need a vendor hook; --device /dev/dri or /dev/nvidia0 gives the nodes' },
  { flags: '--rdt-class <class>', reason: 'Intel RDT classes belong to root' },
  { flags: '--runtime <name>', reason: 'ctr starts containers itself, no OCI runtime is used', isHarmless: true },
  { flags: '--decryption-key <key>', reason: 'encrypted images are not supported' },
  {
    flags: '--storage-opt <option>',
    reason: 'a size limit of one container needs project quotas, which belong to root',
  },
  { flags: '--link <name>', reason: 'links were replaced by networks: put both on one, names are resolved there' },
  { flags: '--link-local-ip <address>', reason: 'the address of a link cannot be chosen without root' },
  { flags: '--disable-content-trust', reason: 'Notary signatures are not checked', isHarmless: true },
  { flags: '--use-api-socket', reason: 'there is no daemon whose socket could be passed on' },
  { flags: '--conmon-pidfile <file>', reason: 'no conmon runs; --pidfile has the pid of the container' },
  {
    flags: '--seccomp-policy <policy>',
    reason: 'profiles inside of images are not read; --security-opt seccomp=FILE takes one',
  },
  { flags: '--subuidname <name>', reason: 'the ranges are those of the calling user' },
  { flags: '--subgidname <name>', reason: 'the ranges are those of the calling user' },
  { flags: '--pod <name>', reason: 'pods are not supported yet; --network container:NAME shares a network' },
  { flags: '--pod-id-file <file>', reason: 'pods are not supported yet' },
  { flags: '--init-ctr <type>', reason: 'init containers belong to pods, which are not supported yet' },
  {
    flags: '--systemd <mode>',
    reason: 'no mounts for systemd as the first process are made',
    isHarmless: true,
    accepts: ['false'],
  },
  { flags: '--preserve-fd <list>', reason: '--preserve-fds passes on descriptors from 3 on, without gaps' },
  { flags: '--shm-size-systemd <size>', reason: 'it belongs to --systemd, which makes no mounts here' },
  { flags: '--creds <user:password>', reason: '`ctr login` keeps a password, --authfile names the file' },
  { flags: '--cert-dir <directory>', reason: '`ctr pull --cert-dir` takes it' },
  { flags: '--retry <number>', reason: '`ctr pull --retry` takes it' },
  { flags: '--retry-delay <time>', reason: '`ctr pull --retry-delay` takes it' },
  { flags: '--init-path <file>', reason: "--init uses ctr's own init, which needs no file", isHarmless: true },
];

/** Declare them all; --help does not show them. */
export function addForeignFlags(command: FlagSet): void {
  for (const { flags } of foreignFlags) command.hidden(flags);
}

/** Refuses the first that was used; returns a line for each that has no effect. */
export function checkForeignFlags(options: object): string[] {
  const used = new Map(Object.entries(options));
  if (used.size === 0) return [];
  return foreignFlags.flatMap(({ flags, reason, isHarmless, accepts }) => {
    const { key, names } = parseFlag(flags);
    const value = used.get(key);
    if (value === undefined || accepts?.includes(String(value))) return [];
    const name = `--${names.at(-1)}`;
    if (isHarmless) return [`${name} has no effect: ${reason}`];
    throw new CtrError('UNSUPPORTED', `${name} is not supported: ${reason}`);
  });
}
