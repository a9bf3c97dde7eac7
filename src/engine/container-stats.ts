/**
 * What a container uses at this moment: from its control group where it has one of its own, otherwise the sums over
 * its processes, which miss what ended ones used.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { Host } from '../base/host.ts';
import { processesBeside, ticksPerSecond } from '../linux/processes.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';

export interface ContainerUsage {
  /** When it was measured: milliseconds, monotonic. */
  readonly atMs: number;
  readonly source: 'cgroup' | 'processes';
  readonly cpuMicroseconds: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pids: number;
  readonly network: { readonly receivedBytes: number; readonly sentBytes: number };
  readonly block: { readonly readBytes: number; readonly writtenBytes: number };
}

/** Undefined when it does not run (any more). */
export function readUsage(host: Host, { id }: ContainerRecord): ContainerUsage | undefined {
  const state = readRunningState(host, id);
  if (!state) return undefined;
  const { pid } = state.init;
  const network = networkOf(pid);
  const atMs = performance.now();
  const own = state.cgroupPath === undefined ? undefined : usageOfCgroup(state.cgroupPath);
  return { atMs, network, ...(own ?? usageOfProcesses(pid)) };
}

type Measured = Omit<ContainerUsage, 'atMs' | 'network'>;

/** kernel cgroup-v2.rst. Memory that the kernel gives back at once (inactive files) does not count, as in Docker. */
function usageOfCgroup(path: string): Measured | undefined {
  const cpu = numbersOf(readText(`${path}/cpu.stat`));
  const current = Number(readText(`${path}/memory.current`));
  if (cpu.get('usage_usec') === undefined || !(current > 0)) return undefined;
  const inactive = numbersOf(readText(`${path}/memory.stat`)).get('inactive_file') ?? 0;
  return {
    source: 'cgroup',
    cpuMicroseconds: cpu.get('usage_usec') ?? 0,
    memoryBytes: Math.max(0, current - inactive),
    memoryLimitBytes: Math.min(Number(readText(`${path}/memory.max`)) || Number.POSITIVE_INFINITY, totalmem()),
    pids: Number(readText(`${path}/pids.current`) ?? 0),
    block: blockOf(readText(`${path}/io.stat`) ?? ''),
  };
}

function usageOfProcesses(init: number): Measured {
  const processes = processesBeside(init);
  const sum = (of: (process: (typeof processes)[number]) => number) =>
    processes.reduce((total, each) => total + of(each), 0);
  const blocks = processes.map(({ hostPid }) => numbersOf(readText(`/proc/${hostPid}/io`), ':'));
  const total = (name: string) => blocks.reduce((bytes, each) => bytes + (each.get(name) ?? 0), 0);
  return {
    source: 'processes',
    cpuMicroseconds: (sum(({ cpuTicks }) => cpuTicks) / ticksPerSecond) * 1e6,
    memoryBytes: sum(({ residentBytes }) => residentBytes),
    memoryLimitBytes: totalmem(),
    pids: sum(({ threads }) => threads),
    block: { readBytes: total('read_bytes'), writtenBytes: total('write_bytes') },
  };
}

/** `8:0 rbytes=1 wbytes=2 …`, one line for each device. */
function blockOf(text: string): ContainerUsage['block'] {
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, 'g'))].reduce((bytes, [, number]) => bytes + Number(number), 0);
  return { readBytes: sum('rbytes'), writtenBytes: sum('wbytes') };
}

/** All interfaces of its network namespace but the loopback: proc_pid_net(5) "dev". */
function networkOf(pid: number): ContainerUsage['network'] {
  const lines = (readText(`/proc/${pid}/net/dev`) ?? '').split('\n').slice(2);
  const counters = lines.flatMap((line) => {
    const [name = '', rest = ''] = line.split(':');
    const fields = rest.trim().split(/\s+/).map(Number);
    return name.trim() === 'lo' || rest === '' ? [] : [{ received: fields[0] ?? 0, sent: fields[8] ?? 0 }];
  });
  return {
    receivedBytes: counters.reduce((bytes, { received }) => bytes + received, 0),
    sentBytes: counters.reduce((bytes, { sent }) => bytes + sent, 0),
  };
}

function numbersOf(text: string | undefined, separator = ''): Map<string, number> {
  const lines = (text ?? '').split('\n').map((line) => line.replace(separator, '').split(/\s+/));
  return new Map(lines.map(([name = '', number]) => [name, Number(number)]));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined; // The controller is not there, or the container has just ended.
  }
}

/** Percent of one CPU, between two measurements. */
export function cpuPercent(before: ContainerUsage, after: ContainerUsage): number {
  const elapsed = (after.atMs - before.atMs) * 1000;
  return elapsed > 0 ? Math.max(0, ((after.cpuMicroseconds - before.cpuMicroseconds) / elapsed) * 100) : 0;
}
