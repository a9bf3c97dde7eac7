/** Processes as proc(5) shows them: what ps(1) would read, for those in one pid namespace. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessFacts {
  /** As the host sees it. */
  readonly hostPid: number;
  /** In its own namespace. */
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly ttyNumber: number;
  readonly state: string;
  /** Its name, at most 15 bytes. */
  readonly comm: string;
  readonly args: readonly string[];
  /** Clock ticks in user and kernel mode. */
  readonly cpuTicks: number;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  readonly nice: number;
  readonly threads: number;
  readonly virtualBytes: number;
  readonly residentBytes: number;
  /** Of `Uid:` and `Gid:` in status, as the reader sees them: real, effective. */
  readonly uid: readonly [number, number];
  readonly gid: readonly [number, number];
  readonly groups: readonly number[];
  /** Hexadecimal masks. */
  readonly capabilities: { readonly effective: string; readonly permitted: string; readonly bounding: string };
  readonly seccomp: number;
}

/** USER_HZ, which the kernel shows times in: 100 on every architecture that ctr runs on. times(2) */
export const ticksPerSecond = 100;
const pageBytes = 4096;

/** The processes of the pid namespace that `init` is in, in order of their pids. One that ends meanwhile is left out. */
export function processesBeside(init: number): ProcessFacts[] {
  const namespace = namespaceOf(init);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.flatMap((pid) => {
    try {
      return namespace !== undefined && namespaceOf(Number(pid)) === namespace ? [readProcess(Number(pid))] : [];
    } catch {
      return []; // It ended between two reads.
    }
  });
  const own = namespace === namespaceOf(process.pid) ? descendants(init, found) : found;
  return own.sort((a, b) => a.pid - b.pid);
}

/** With --pid=host the namespace is everybody's: what counts is who descends from `init`. */
function descendants(init: number, all: readonly ProcessFacts[]): ProcessFacts[] {
  const family = new Set([init]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { hostPid, ppid } of all) if (family.has(ppid)) family.add(hostPid);
  }
  return all.filter(({ hostPid }) => family.has(hostPid));
}

/** Undefined where it may not be read: a process of another user is none of ours. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function readProcess(hostPid: number): ProcessFacts {
  const stat = readFileSync(`/proc/${hostPid}/stat`, 'latin1');
  const status = readFileSync(`/proc/${hostPid}/status`, 'latin1');
  const commandLine = readFileSync(`/proc/${hostPid}/cmdline`, 'utf8');
  return { hostPid, ...parseStat(stat), ...parseStatus(status), args: commandLine.split('\0').slice(0, -1) };
}

/** proc_pid_stat(5): the name may hold anything, so fields are counted from its last parenthesis. */
export function parseStat(text: string) {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]);
  return {
    comm: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    ttyNumber: number(7),
    cpuTicks: number(14) + number(15),
    nice: number(19),
    threads: number(20),
    startTicks: number(22),
    virtualBytes: number(23),
    residentBytes: number(24) * pageBytes,
  };
}

/** proc_pid_status(5). NSpid and its relatives end with the number in the innermost namespace. */
export function parseStatus(text: string) {
  const words = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.split(/\s+/) ?? [];
  const innermost = (name: string) => Number(words(name).at(-1));
  const pair = (name: string): readonly [number, number] => [Number(words(name)[0]), Number(words(name)[1])];
  return {
    pid: innermost('NSpid'),
    ppid: Number(words('PPid')[0]),
    pgid: innermost('NSpgid'),
    sid: innermost('NSsid'),
    uid: pair('Uid'),
    gid: pair('Gid'),
    groups: words('Groups').filter(Boolean).map(Number),
    capabilities: {
      effective: words('CapEff')[0] ?? '',
      permitted: words('CapPrm')[0] ?? '',
      bounding: words('CapBnd')[0] ?? '',
    },
    seccomp: Number(words('Seccomp')[0]),
  };
}
