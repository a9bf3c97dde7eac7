/** Limits and kernel settings that need no cgroup: --ulimit, --shm-size, --sysctl, --oom-score-adj; and --device. */

import type { DeviceRequest, UlimitRequest } from '../../engine/run-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { findDevices, parseDevice } from './devices.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { parseInteger, parseSize } from './size.ts';

export interface ResourceOptions {
  readonly ulimit: readonly string[];
  readonly shmSize: string;
  readonly sysctl: readonly string[];
  readonly oomScoreAdj?: string;
  readonly device: readonly string[];
}

export interface Resources {
  readonly ulimits: readonly UlimitRequest[];
  readonly shmSizeBytes: number;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  readonly devices: readonly DeviceRequest[];
}

export function addResourceFlags(command: FlagSet): void {
  command
    .optionsGroup('Resources:')
    .option(
      '--ulimit <name=soft[:hard]>',
      'a resource limit; -1 is none; "host" keeps the limits from here',
      collect,
      [],
    )
    .option('--shm-size <size>', 'size of /dev/shm', '64m')
    .option('--sysctl <name=value>', 'a kernel setting of the container: net.*, fs.mqueue.*, kernel.shm*', collect, [])
    .option('--oom-score-adj <number>', 'how likely the kernel ends it when memory is short: -1000 to 1000')
    .option('--device <host[:container[:rwm]]>', 'make a device of the host available', collect, []);
}

export function parseResources(options: ResourceOptions): Resources {
  return {
    ulimits: options.ulimit.map(parseUlimit),
    shmSizeBytes: parseSize('--shm-size', options.shmSize),
    sysctls: Object.fromEntries(options.sysctl.map(parseSysctl)),
    ...(options.oomScoreAdj === undefined
      ? {}
      : { oomScoreAdj: parseInteger('--oom-score-adj', options.oomScoreAdj, -1000, 1000) }),
    devices: options.device.map(parseDevice).flatMap(findDevices),
  };
}

/** The names of getrlimit(2), without RLIMIT_. */
const limitNames: ReadonlySet<string> = new Set([
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss'],
  ...['rtprio', 'rttime', 'sigpending', 'stack'],
]);

/** `nofile=1024:2048`, `RLIMIT_CORE=0`, `stack=-1`, `host`. */
export function parseUlimit(text: string): UlimitRequest {
  if (text === 'host') return { name: 'host', soft: -1, hard: -1 };
  const match = /^(?:rlimit_)?([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/i.exec(text);
  const name = match?.[1]?.toLowerCase() ?? '';
  if (match === null) throw flagError('--ulimit', text, 'want NAME=SOFT[:HARD], like nofile=1024:2048');
  if (!limitNames.has(name)) throw flagError('--ulimit', text, `want one of ${[...limitNames].join(', ')}`);
  const soft = Number(match[2]);
  const hard = Number(match[3] ?? match[2]);
  if (!Number.isSafeInteger(soft) || !Number.isSafeInteger(hard))
    throw flagError('--ulimit', text, 'the number is too large');
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw flagError('--ulimit', text, 'the soft limit must not be above the hard one');
  }
  return { name, soft, hard };
}

function parseSysctl(text: string): [string, string] {
  const [name, value] = splitKeyValue(text);
  // sysctl(8) takes slashes for dots; a name with both or with "..", would reach another file below /proc/sys.
  const key = name.includes('.') ? name : name.replaceAll('/', '.');
  if (value === undefined || !/^[\w-]+([./][\w-]+)+$/.test(key)) throw flagError('--sysctl', text, 'want NAME=VALUE');
  return [key, value];
}
