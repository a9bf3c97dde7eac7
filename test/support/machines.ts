/**
 * Several machines on one wire: network namespaces with an interface each, joined by a bridge in one more. Nothing of
 * them is in the host's network; they end with the processes that hold them. The user has another home on each.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import type { Bed } from './bed.ts';
import type { Outcome, RunOptions } from './run-as.ts';
import { until } from './run-as.ts';

export interface Machine {
  /** On the wire. */
  readonly address: string;
  readonly home: string;
  /** For commands of the bed: there, instead of on the host. */
  readonly there: Partial<RunOptions> & { readonly env: Readonly<Record<string, string>> };
  ctr(...args: readonly string[]): Promise<Outcome>;
  /** As root. */
  sh(command: string): string;
  /** The link to the wire. */
  plug(isIn: boolean): void;
}

export interface Wire {
  readonly machines: readonly Machine[];
  /** argv that runs something as root where all packets come by, on interface `wire`. */
  readonly enter: readonly string[];
  /** The address of that place. */
  readonly gateway: string;
  close(): void;
}

const subnet = '198.51.100';

export async function openWire(bed: Bed, count: number): Promise<Wire> {
  const holders: ChildProcess[] = [];
  const hold = async (): Promise<number> => {
    const child = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' });
    holders.push(child);
    await until('a network namespace', () => commOf(child.pid) === 'sleep');
    return child.pid ?? 0;
  };
  const middle = await hold();
  const ip = (pid: number, args: string) => root([...enterOf(pid), 'ip', ...args.split(' ')]);
  ip(middle, 'link add wire type bridge');
  ip(middle, `address add ${subnet}.254/24 dev wire`);
  ip(middle, 'link set wire up');
  ip(middle, 'link set lo up');
  const machines: Machine[] = [];
  for (let number = 1; number <= count; number++) {
    const pid = await hold();
    ip(middle, `link add m${number} type veth peer name eth0 netns ${pid}`);
    ip(middle, `link set m${number} master wire up`);
    ip(pid, `address add ${subnet}.${number}/24 dev eth0`);
    ip(pid, 'link set lo up');
    ip(pid, 'link set eth0 up');
    ip(pid, `route add default via ${subnet}.254`);
    const plug = (isIn: boolean) => ip(middle, `link set m${number} ${isIn ? 'up' : 'down'}`);
    machines.push({ ...machineOf(bed, pid, number), address: `${subnet}.${number}`, plug });
  }
  const gateway = `${subnet}.254`;
  return {
    machines,
    gateway,
    enter: enterOf(middle),
    close: () => holders.forEach((child) => void child.kill('SIGKILL')),
  };
}

function machineOf(bed: Bed, pid: number, number: number): Omit<Machine, 'address' | 'plug'> {
  const home = `${bed.home}/m${number}`;
  for (const directory of [home, `${home}/run`]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chownSync(directory, bed.user.uid, bed.user.gid);
  }
  const config = `${bed.home}/.config`;
  const env = { HOME: home, XDG_RUNTIME_DIR: `${home}/run`, XDG_CONFIG_HOME: config };
  const there = { env, cwd: home, within: enterOf(pid) };
  return {
    ...{ home, there },
    ctr: (...args) => bed.ctrWith(there, ...args),
    sh: (command) => root([...enterOf(pid), 'sh', '-c', command]),
  };
}

const enterOf = (pid: number) => ['/usr/bin/nsenter', `--net=/proc/${pid}/ns/net`, '--'];

function root([program = '', ...args]: readonly string[]): string {
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}

function commOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}
