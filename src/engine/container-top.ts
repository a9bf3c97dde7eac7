/** `ctr top`: the processes of a container as ps(1) would show them, read from the host's /proc: nothing runs inside. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { capabilityNames } from '../linux/capabilities.ts';
import { type ProcessFacts, processesBeside, ticksPerSecond } from '../linux/processes.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';

export interface TopTable {
  readonly titles: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

/** What columns need beside the process itself. */
interface TopFacts {
  readonly uptimeTicks: number;
  readonly insidePid: ReadonlyMap<number, number>;
  user(uid: number): string;
  group(gid: number): string;
  insideUid(uid: number): number;
}

interface Column {
  readonly title: string;
  readonly value: (process: ProcessFacts, facts: TopFacts) => string;
}

const hex = (name: keyof ProcessFacts['capabilities']) => (process: ProcessFacts) => capabilityWords(process, name);

/** podman-top(1) "FORMAT DESCRIPTORS". */
const columns: Readonly<Record<string, Column>> = {
  args: { title: 'COMMAND', value: commandLine },
  capbnd: { title: 'BOUNDING CAPS', value: hex('bounding') },
  capeff: { title: 'EFFECTIVE CAPS', value: hex('effective') },
  capprm: { title: 'PERMITTED CAPS', value: hex('permitted') },
  comm: { title: 'COMMAND', value: ({ comm }) => comm },
  etime: { title: 'ELAPSED', value: (process, facts) => goDuration(elapsedSeconds(process, facts)) },
  group: { title: 'GROUP', value: ({ gid }, facts) => facts.group(gid[1]) },
  groups: { title: 'GROUPS', value: ({ groups }, facts) => groups.map(facts.group).join(',') },
  hgroup: { title: 'HGROUP', value: ({ gid }) => `${gid[1]}` },
  hpid: { title: 'HPID', value: ({ hostPid }) => `${hostPid}` },
  huser: { title: 'HUSER', value: ({ uid }) => `${uid[1]}` },
  nice: { title: 'NI', value: ({ nice }) => `${nice}` },
  pcpu: { title: '%CPU', value: cpuPercent },
  pgid: { title: 'PGID', value: ({ pgid }) => `${pgid}` },
  pid: { title: 'PID', value: ({ pid }) => `${pid}` },
  ppid: { title: 'PPID', value: ({ ppid }, facts) => `${facts.insidePid.get(ppid) ?? 0}` },
  rgroup: { title: 'RGROUP', value: ({ gid }, facts) => facts.group(gid[0]) },
  rss: { title: 'RSS', value: ({ residentBytes }) => `${Math.round(residentBytes / 1024)}` },
  ruser: { title: 'RUSER', value: ({ uid }, facts) => facts.user(uid[0]) },
  seccomp: { title: 'SECCOMP', value: ({ seccomp }) => ['disabled', 'strict', 'filter'][seccomp] ?? '?' },
  sid: { title: 'SID', value: ({ sid }) => `${sid}` },
  state: { title: 'STATE', value: ({ state }) => state },
  stime: { title: 'STIME', value: startTime },
  time: { title: 'TIME', value: ({ cpuTicks }) => goDuration(cpuTicks / ticksPerSecond) },
  tty: { title: 'TTY', value: ({ ttyNumber }) => ttyName(ttyNumber) },
  uid: { title: 'UID', value: ({ uid }, facts) => `${facts.insideUid(uid[1])}` },
  user: { title: 'USER', value: ({ uid }, facts) => facts.user(uid[1]) },
  vsz: { title: 'VSZ', value: ({ virtualBytes }) => `${Math.round(virtualBytes / 1024)}` },
};

/** ps(1) under other names, and AIX format descriptors. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ cmd: 'args', command: 'args', ucmd: 'comm', ni: 'nice', rssize: 'rss', rsz: 'rss', pgrp: 'pgid', sess: 'sid' },
  ...{ s: 'state', stat: 'state', tt: 'tty', tname: 'tty', cputime: 'time', euid: 'uid', euser: 'user', uname: 'user' },
  ...{ '%cpu': 'pcpu', c: 'pcpu', vsize: 'vsz', start: 'stime', egroup: 'group' },
  ...{ '%C': 'pcpu', '%G': 'group', '%P': 'ppid', '%U': 'user', '%a': 'args', '%c': 'comm', '%g': 'rgroup' },
  ...{ '%n': 'nice', '%p': 'pid', '%r': 'pgid', '%t': 'etime', '%u': 'ruser', '%x': 'time', '%y': 'tty', '%z': 'vsz' },
};

export const topDescriptors: readonly string[] = Object.keys(columns);

export const usualColumns = ['user', 'pid', 'ppid', 'pcpu', 'etime', 'tty', 'time', 'args'];

export function containerTop(host: Host, container: ContainerRecord, descriptors: readonly string[]): TopTable {
  const chosen = descriptors.map(columnOf);
  const state = readRunningState(host, container.id);
  if (!state) throw new CtrError('STATE', `container ${container.name} is not running`);
  const processes = processesBeside(state.init.pid);
  const facts = factsOf(state.init.pid, processes);
  return {
    titles: chosen.map(({ title }) => title),
    rows: processes.map((process) => chosen.map(({ value }) => value(process, facts))),
  };
}

function columnOf(descriptor: string): Column {
  const column = columns[descriptor] ?? columns[otherNames[descriptor] ?? ''];
  if (column) return column;
  throw new CtrError('USAGE', `unknown descriptor "${descriptor}"`, { hint: `there are ${topDescriptors.join(', ')}` });
}

function factsOf(init: number, processes: readonly ProcessFacts[]): TopFacts {
  const uids = readMap(`/proc/${init}/uid_map`);
  const gids = readMap(`/proc/${init}/gid_map`);
  const users = readNames(`/proc/${init}/root/etc/passwd`);
  const groups = readNames(`/proc/${init}/root/etc/group`);
  const insideUid = (uid: number) => inside(uids, uid);
  return {
    uptimeTicks: Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * ticksPerSecond,
    insidePid: new Map(processes.map(({ hostPid, pid }) => [hostPid, pid])),
    insideUid,
    user: (uid) => users.get(insideUid(uid)) ?? `${insideUid(uid)}`,
    group: (gid) => groups.get(inside(gids, gid)) ?? `${inside(gids, gid)}`,
  };
}

type Map3 = ReadonlyArray<readonly [inside: number, outside: number, count: number]>;

/** user_namespaces(7) "uid_map": the second number as this reader sees it. */
function readMap(path: string): Map3 {
  const lines = readFileSync(path, 'latin1').trim().split('\n');
  return lines.map((line) => {
    const [first = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    return [first, outside, count];
  });
}

function inside(map: Map3, id: number): number {
  const range = map.find(([, outside, count]) => id >= outside && id < outside + count);
  return range ? range[0] + id - range[1] : id;
}

/**
 * Number → name, of the container's passwd or group file. The file is the container's: it may be a pipe that never
 * answers, or endless.
 */
function readNames(path: string): Map<number, string> {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      if (!fstatSync(fd).isFile()) return new Map();
      const buffer = Buffer.alloc(1024 * 1024);
      const text = buffer.toString('utf8', 0, readSync(fd, buffer));
      const entries = [...text.matchAll(/^([\w.-]+):[^:\n]*:(\d+):/gm)];
      return new Map(entries.reverse().map(([, name = '', id]) => [Number(id), name]));
    } finally {
      closeSync(fd);
    }
  } catch {
    return new Map(); // No such file: numbers are shown.
  }
}

function commandLine({ args, comm }: ProcessFacts): string {
  return args.length === 0 ? `[${comm}]` : args.join(' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

const elapsedSeconds = ({ startTicks }: ProcessFacts, { uptimeTicks }: TopFacts) =>
  Math.max(0, (uptimeTicks - startTicks) / ticksPerSecond);

function cpuPercent(process: ProcessFacts, facts: TopFacts): string {
  const elapsed = elapsedSeconds(process, facts);
  return (elapsed === 0 ? 0 : (process.cpuTicks / ticksPerSecond / elapsed) * 100).toFixed(3);
}

function startTime(process: ProcessFacts, facts: TopFacts): string {
  return new Date(Date.now() - elapsedSeconds(process, facts) * 1000).toISOString().slice(11, 16);
}

/** As Go prints a time.Duration: `1h2m3.4s`. */
function goDuration(seconds: number): string {
  const [whole, fraction] = [Math.floor(seconds), seconds % 1];
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = `${Number(((whole % 60) + fraction).toFixed(2))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/** proc_pid_stat(5) "tty_nr"; 136 to 143 are /dev/pts (kernel admin-guide/devices.txt). */
function ttyName(device: number): string {
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  if (device === 0) return '?';
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + minor}` : `tty${minor}`;
}

function capabilityWords({ capabilities }: ProcessFacts, name: keyof ProcessFacts['capabilities']): string {
  const mask = BigInt(`0x${capabilities[name] || '0'}`);
  const held = capabilityNames.filter((_capability, bit) => (mask >> BigInt(bit)) & 1n);
  if (held.length === 0) return 'none';
  return held.map((capability) => capability.replace(/^CAP_/, '')).join(',');
}
