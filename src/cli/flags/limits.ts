/** What `run`, `create` and `update` limit: memory, processor, processes, disks (podman-run(1), cgroup-v2). */

import { CtrError } from '../../base/ctr-error.ts';
import { type CgroupMode, cgroupModes, type DeviceLimit, type LimitsRequest } from '../../engine/sandbox-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { parseInteger, parseSize } from './size.ts';

export interface LimitOptions {
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly memoryReservation?: string;
  readonly cpus?: string;
  readonly cpuShares?: string;
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: string;
  readonly blkioWeight?: string;
  readonly blkioWeightDevice: readonly string[];
  readonly deviceReadBps: readonly string[];
  readonly deviceWriteBps: readonly string[];
  readonly deviceReadIops: readonly string[];
  readonly deviceWriteIops: readonly string[];
}

/** What is decided once, when a container is made. */
export interface CgroupOptions {
  readonly cgroupParent?: string;
  readonly cgroups: string;
  readonly cgroupConf: readonly string[];
  readonly bestEffortLimits?: boolean;
}

export function addLimitFlags(command: FlagSet): void {
  command
    .optionsGroup('Limits:')
    .option('-m, --memory <size>', 'how much memory it may use')
    .option('--memory-swap <size>', 'memory and swap together; -1 for all the swap there is')
    .option('--memory-reservation <size>', 'memory that is taken from it last when others need some')
    .option('--cpus <number>', 'how many processors it may use: 0.5, 2')
    .option('-c, --cpu-shares <weight>', 'its share when processors are short: 2 to 262144, others have 1024')
    .option('--cpu-period <microseconds>', 'the period of --cpu-quota')
    .option('--cpu-quota <microseconds>', 'processor time in each period; -1 for no limit')
    .option('--cpuset-cpus <list>', 'the processors it may use: 0-2,5')
    .option('--cpuset-mems <list>', 'the memory nodes it may use')
    .option('--pids-limit <number>', 'how many processes and threads; -1 for no limit')
    .option('--blkio-weight <weight>', 'its share of disks: 10 to 1000')
    .option('--blkio-weight-device <device:weight>', 'its share of one disk', collect, [])
    .option('--device-read-bps <device:size>', 'bytes that it may read from a disk in a second', collect, [])
    .option('--device-write-bps <device:size>', 'bytes that it may write to a disk in a second', collect, [])
    .option('--device-read-iops <device:number>', 'reads of a disk in a second', collect, [])
    .option('--device-write-iops <device:number>', 'writes to a disk in a second', collect, []);
}

export function addCgroupFlags(command: FlagSet): void {
  command
    .optionsGroup('Limits:')
    .option('--best-effort-limits', 'leave out limits that this host cannot apply, with a warning')
    .option('--cgroups <mode>', 'enabled, disabled, no-conmon or split', 'enabled')
    .option('--cgroup-parent <path>', 'where its control group is made: a slice with systemd, or a path')
    .option('--cgroup-conf <file=value>', 'a setting of cgroup v2: memory.high=1G', collect, []);
}

/** Undefined when nothing was said. */
export function parseLimits(options: LimitOptions & Partial<CgroupOptions>): LimitsRequest | undefined {
  const limits: LimitsRequest = {
    ...memoryLimits(options),
    ...cpuLimits(options),
    ...optional('pids', options.pidsLimit, (text) => unlimitedAs0(parseInteger('--pids-limit', text, -1, 4_194_304))),
    ...optional('blkioWeight', options.blkioWeight, (text) => parseInteger('--blkio-weight', text, 10, 1000)),
    ...deviceLimits(options),
    ...cgroupSettings(options),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function optional<K extends string, T>(key: K, text: string | undefined, parse: (text: string) => T): { [P in K]?: T } {
  return text === undefined ? {} : ({ [key]: parse(text) } as { [P in K]?: T });
}

/** Docker and Podman: 0 is "no limit" for numbers where none at all would make no sense. */
const unlimitedAs0 = (value: number) => (value === 0 ? -1 : value);

/** The kernel needs room for a process at all; Docker refuses less than 6 MB, too. */
const leastMemory = 6 * 1024 * 1024;

function memoryLimits({ memory, memorySwap, memoryReservation }: LimitOptions): LimitsRequest {
  const size = (flag: string) => (text: string) => (text === '-1' ? -1 : unlimitedAs0(parseSize(flag, text)));
  const limits = {
    ...optional('memory', memory, size('--memory')),
    ...optional('memorySwap', memorySwap, size('--memory-swap')),
    ...optional('memoryReservation', memoryReservation, size('--memory-reservation')),
  };
  const [most, withSwap, reserved] = [limits.memory ?? -1, limits.memorySwap ?? -1, limits.memoryReservation ?? -1];
  if (most >= 0 && most < leastMemory) throw flagError('--memory', memory ?? '', 'want 6m or more');
  if (withSwap >= 0 && most < 0) throw new CtrError('USAGE', '--memory-swap needs --memory: it counts both together');
  if (withSwap >= 0 && withSwap < most) {
    throw flagError('--memory-swap', memorySwap ?? '', 'want no less than --memory: it counts both together');
  }
  if (reserved >= 0 && most >= 0 && reserved > most) {
    throw flagError('--memory-reservation', memoryReservation ?? '', 'want no more than --memory');
  }
  return limits;
}

const defaultPeriod = 100_000;

function cpuLimits(options: LimitOptions): LimitsRequest {
  const { cpus, cpuQuota, cpuPeriod, cpuShares, cpusetCpus, cpusetMems } = options;
  if (cpus !== undefined && (cpuQuota !== undefined || cpuPeriod !== undefined)) {
    throw new CtrError('USAGE', '--cpus cannot be combined with --cpu-quota and --cpu-period: it sets both');
  }
  return {
    ...optional('cpuQuota', cpus, parseCpus),
    ...optional('cpuQuota', cpuQuota, (text) => unlimitedAs0(parseInteger('--cpu-quota', text, -1, 1e12))),
    ...optional('cpuPeriod', cpuPeriod, (text) => parseInteger('--cpu-period', text, 1000, 1_000_000)),
    ...optional('cpuShares', cpuShares, (text) => parseInteger('--cpu-shares', text, 0, 262_144)),
    ...optional('cpusetCpus', cpusetCpus, (text) => parseList('--cpuset-cpus', text)),
    ...optional('cpusetMems', cpusetMems, (text) => parseList('--cpuset-mems', text)),
  };
}

/** The kernel takes no quota below a millisecond. */
function parseCpus(text: string): number {
  const value = /^\d+(\.\d+)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value === 0) return -1;
  if (!(value >= 0.01 && value <= 1e6)) throw flagError('--cpus', text, 'want a number like 0.5 or 2');
  return Math.round(value * defaultPeriod);
}

/** cpuset(7) "List format". */
function parseList(flag: string, text: string): string {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) throw flagError(flag, text, 'want a list like 0-2,5');
  return text;
}

function deviceLimits(options: LimitOptions): LimitsRequest {
  const bytes = (flag: string) => (text: string) => parseSize(flag, text);
  const count = (flag: string) => (text: string) => parseInteger(flag, text, 1, Number.MAX_SAFE_INTEGER);
  const weight = (flag: string) => (text: string) => parseInteger(flag, text, 10, 1000);
  const all = [
    ...ofDevices('weight', '--blkio-weight-device', options.blkioWeightDevice, weight),
    ...ofDevices('rbps', '--device-read-bps', options.deviceReadBps, bytes),
    ...ofDevices('wbps', '--device-write-bps', options.deviceWriteBps, bytes),
    ...ofDevices('riops', '--device-read-iops', options.deviceReadIops, count),
    ...ofDevices('wiops', '--device-write-iops', options.deviceWriteIops, count),
  ];
  return all.length === 0 ? {} : { deviceLimits: all };
}

function ofDevices(
  key: DeviceLimit['key'],
  flag: string,
  words: readonly string[],
  parser: (flag: string) => (text: string) => number,
): DeviceLimit[] {
  return words.map((word) => {
    const colon = word.lastIndexOf(':');
    const path = word.slice(0, colon);
    if (colon < 1 || !path.startsWith('/')) throw flagError(flag, word, 'want /dev/NAME:VALUE');
    return { key, path, value: parser(flag)(word.slice(colon + 1)) };
  });
}

function cgroupSettings({
  cgroupParent,
  cgroups,
  cgroupConf,
  bestEffortLimits,
}: Partial<CgroupOptions>): LimitsRequest {
  const conf = Object.fromEntries((cgroupConf ?? []).map(parseConf));
  return {
    ...(cgroupParent === undefined ? {} : { parent: checkParent(cgroupParent) }),
    ...(cgroups === undefined || cgroups === 'enabled' ? {} : { mode: parseMode(cgroups) }),
    ...(Object.keys(conf).length === 0 ? {} : { conf }),
    ...(bestEffortLimits ? { bestEffort: true } : {}),
  };
}

function parseConf(word: string): [string, string] {
  const [file, value] = splitKeyValue(word);
  // A name with a slash would reach another cgroup.
  if (value === undefined || !/^[a-z]+(\.[a-z_]+)+$/.test(file)) {
    throw flagError('--cgroup-conf', word, 'want FILE=VALUE, like memory.high=1G');
  }
  return [file, value];
}

function checkParent(path: string): string {
  if (path === '' || path.split('/').includes('..')) throw flagError('--cgroup-parent', path, 'want a slice or a path');
  return path;
}

function parseMode(word: string): CgroupMode {
  const mode = cgroupModes.find((one) => one === word);
  if (mode) return mode;
  throw flagError('--cgroups', word, `want ${cgroupModes.join(', ')}`);
}
