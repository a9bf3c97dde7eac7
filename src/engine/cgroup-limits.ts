/** Flags in Docker's words become files of cgroup v2 (kernel cgroup-v2.rst; runc's conversion where v1 had other scales). */
import { statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { CgroupSetting } from '../ns/cgroup.ts';
import type { DeviceLimit, LimitsRequest } from './sandbox-request.ts';

/** Podman's default for --pids-limit. */
export const defaultPids = 2048;
const defaultPeriod = 100_000;

/** The settings that `limits` asks for, in an order that the kernel takes: memory.max before memory.swap.max. */
export function settingsFor(limits: LimitsRequest): CgroupSetting[] {
  return [
    ...memorySettings(limits),
    ...cpuSettings(limits),
    ...ioSettings(limits),
    ...(limits.pids === undefined
      ? []
      : [{ controller: 'pids', file: 'pids.max', text: maximum(limits.pids), flag: '--pids-limit' } as const]),
    ...Object.entries(limits.conf ?? {}).map(([file, text]): CgroupSetting => {
      return { controller: controllerOf(file), file, text, flag: `--cgroup-conf ${file}` };
    }),
  ];
}

const maximum = (value: number) => (value < 0 ? 'max' : String(value));

/** Without --memory-swap a container may swap as much as its memory limit is, as in Docker. */
function memorySettings({ memory, memorySwap, memoryReservation }: LimitsRequest): CgroupSetting[] {
  const controller = 'memory';
  const settings: CgroupSetting[] = [];
  if (memoryReservation !== undefined) {
    const text = maximum(memoryReservation);
    settings.push({ controller, file: 'memory.low', text, flag: '--memory-reservation' });
  }
  if (memory !== undefined) settings.push({ controller, file: 'memory.max', text: maximum(memory), flag: '--memory' });
  if (memorySwap !== undefined) {
    const text = memorySwap < 0 ? 'max' : String(memorySwap - Math.max(0, memory ?? 0));
    settings.push({ controller, file: 'memory.swap.max', text, flag: '--memory-swap' });
  } else if (memory !== undefined) {
    const text = maximum(memory);
    settings.push({ controller, file: 'memory.swap.max', text, flag: '--memory', isOptional: true });
  }
  return settings;
}

function cpuSettings({ cpuQuota, cpuPeriod, cpuShares, cpusetCpus, cpusetMems }: LimitsRequest): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  if (cpuQuota !== undefined || cpuPeriod !== undefined) {
    const text = `${maximum(cpuQuota ?? -1)} ${cpuPeriod ?? defaultPeriod}`;
    settings.push({
      controller: 'cpu',
      file: 'cpu.max',
      text,
      flag: cpuQuota === undefined ? '--cpu-period' : '--cpus',
    });
  }
  if (cpuShares !== undefined && cpuShares > 0) {
    settings.push({
      controller: 'cpu',
      file: 'cpu.weight',
      text: String(weightOfShares(cpuShares)),
      flag: '--cpu-shares',
    });
  }
  if (cpusetCpus !== undefined) {
    settings.push({ controller: 'cpuset', file: 'cpuset.cpus', text: cpusetCpus, flag: '--cpuset-cpus' });
  }
  if (cpusetMems !== undefined) {
    settings.push({ controller: 'cpuset', file: 'cpuset.mems', text: cpusetMems, flag: '--cpuset-mems' });
  }
  return settings;
}

/** v1 shares 2…262144 (default 1024) onto v2 weights 1…10000, as runc and crun do. */
export function weightOfShares(shares: number): number {
  const clamped = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.trunc(((clamped - 2) * 9999) / 262_142);
}

/** v1 weights 10…1000 onto 1…10000. */
export function weightOfBlkio(weight: number): number {
  return 1 + Math.trunc(((weight - 10) * 9999) / 990);
}

const deviceFlags: Readonly<Record<DeviceLimit['key'], string>> = {
  rbps: '--device-read-bps',
  wbps: '--device-write-bps',
  riops: '--device-read-iops',
  wiops: '--device-write-iops',
  weight: '--blkio-weight-device',
};

function ioSettings({ blkioWeight, deviceLimits }: LimitsRequest): CgroupSetting[] {
  const controller = 'io';
  const settings: CgroupSetting[] = [];
  if (blkioWeight !== undefined && blkioWeight > 0) {
    const text = `default ${weightOfBlkio(blkioWeight)}`;
    settings.push({ controller, file: 'io.weight', text, flag: '--blkio-weight' });
  }
  for (const { key, path, value } of deviceLimits ?? []) {
    const [flag, device] = [deviceFlags[key], deviceNumber(path, deviceFlags[key])];
    const [file, text] =
      key === 'weight' ? ['io.weight', `${device} ${weightOfBlkio(value)}`] : ['io.max', `${device} ${key}=${value}`];
    settings.push({ controller, file, text, flag });
  }
  return settings;
}

/** makedev(3), taken apart. */
function deviceNumber(path: string, flag: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isBlockDevice()) throw new CtrError('NOT_FOUND', `${flag} ${path}: not a block device of this host`);
  const { rdev } = stat;
  const major = Math.trunc(rdev / 256) % 4096;
  const minor = (rdev % 256) + Math.trunc(rdev / 1_048_576) * 256;
  return `${major}:${minor}`;
}

function controllerOf(file: string): CgroupSetting['controller'] {
  const [name = ''] = file.split('.');
  const known = (['memory', 'cpu', 'cpuset', 'pids', 'io'] as const).find((one) => one === name);
  if (known) return known;
  throw new CtrError(
    'USAGE',
    `--cgroup-conf ${file}: want a file of memory, cpu, cpuset, pids or io, like memory.high`,
  );
}

/** What was said that needs a cgroup; the default pids limit does not. */
export function isLimited(limits: LimitsRequest | undefined): limits is LimitsRequest {
  if (limits === undefined) return false;
  const { mode: _mode, bestEffort: _bestEffort, parent: _parent, ...rest } = limits;
  return Object.values(rest).some((value) => value !== undefined);
}
