/**
 * The user's one holder of bridge networks (ns/network-holder.ts): found or made, with what serves in it. Whatever was
 * killed (the holder, pasta, aardvark-dns) is there again when this returns: nothing but its own processes is asked.
 */
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { moveUp } from '../linux/descriptors.ts';
import { mknod, nodeTypes } from '../linux/files.ts';
import { readKernelFile } from '../linux/host-files.ts';
import { identifyProcess, isWorking } from '../linux/process-identity.ts';
import { uplink, uplinkArgs } from '../net/pasta.ts';
import { slirpUplinkArgs } from '../net/slirp.ts';
import { startInside } from '../ns/inside.ts';
import { startNetworkHolder } from '../ns/network-holder.ts';
import { identity, readRunningState } from '../storage/container-state.ts';
import { layout } from '../storage/layout.ts';
import { type Lock, lockOf, lockWhenFree } from '../storage/lock.ts';
import { readMembers } from '../storage/network-members.ts';
import { listNetworks } from '../storage/network-store.ts';
import { ensureRunRoot } from '../storage/roots.ts';
import { findNetworkProgram, helperPath, requireNetworkProgram } from './network-programs.ts';
import { idMapsFor } from './user-namespace.ts';

export interface Holder {
  readonly pid: number;
  /** Absent once the networks of the containers that run are in it: see markRestored. */
  readonly isEmpty?: true;
}

/** The holder lives as long as one of these descriptors is open somewhere. */
export function openLifeline(host: Host): number {
  const path = layout.holderFile(host, 'lifeline');
  if (!existsSync(path)) {
    ensureRunRoot(host);
    mkdirSync(layout.holder(host), { recursive: true, mode: 0o700 });
    try {
      mknod(path, nodeTypes.fifo | 0o600, { major: 0, minor: 0 });
    } catch (error) {
      if (!existsSync(path)) throw error; // Another ctr was faster.
    }
  }
  const lifelineFloor = 100;
  return moveUp(openSync(path, constants.O_RDWR | constants.O_NONBLOCK), lifelineFloor);
}

/** Held around everything that looks for the holder, or changes what is in it. */
export function lockHolder(host: Host): Promise<Lock> {
  return lockWhenFree(lockOf(host, 'holder', 'bridge'));
}

/** The holder that runs, if one does. */
export function findHolder(host: Host): number | undefined {
  const path = layout.holderFile(host, 'holder.json');
  const stored = readJsonFile(path);
  if (stored === undefined) return undefined;
  const known = identity(stored, path);
  return isWorking(known) ? known.pid : undefined;
}

/** The caller holds the holder's lock and a lifeline. */
export async function ensureHolder(host: Host): Promise<Holder> {
  const pid = wholeHolder(host) ?? makeHolder(host);
  if (!hasUplink(host, pid)) await startUplink(host, pid);
  return restoredHolder(host) === holderRecord(host) ? { pid } : { pid, isEmpty: true };
}

/** One that ctr was killed over, or failed with, is not mended but made anew. */
function wholeHolder(host: Host): number | undefined {
  const found = findHolder(host);
  if (found === undefined || restoredHolder(host) === holderRecord(host)) return found;
  process.kill(found, 'SIGKILL');
  return undefined;
}

/** Until this is said, whoever comes next makes the networks again: ctr may be killed, or fail, in the middle of it. */
export function markRestored(host: Host): void {
  writeFileSync(layout.holderFile(host, 'restored'), holderRecord(host) ?? '', { mode: 0o600 });
}

const holderRecord = (host: Host) => readKernelFile(layout.holderFile(host, 'holder.json'));
const restoredHolder = (host: Host) => readKernelFile(layout.holderFile(host, 'restored'));

function makeHolder(host: Host): number {
  const [record, networkFile] = [layout.holderFile(host, 'holder.json'), layout.holderFile(host, 'netns')];
  const resolvConf = layout.holderFile(host, 'resolv.conf');
  writeFileSync(networkFile, '');
  writeFileSync(resolvConf, `nameserver ${uplink.nameserver}\n`);
  rmSync(record, { force: true });
  const lifeline = openSync(layout.holderFile(host, 'lifeline'), constants.O_RDONLY | constants.O_NONBLOCK);
  // Not the descriptor of our own lock: a lock belongs to the open file, and the holder takes its own.
  const lockFile = openSync(lockOf(host, 'holder', 'bridge').path, 'r');
  const survivor = survivingMember(host);
  const [lifelineFd, lockFd] = [moveUp(lifeline, fdFloor), moveUp(lockFile, fdFloor)];
  try {
    const pid = startNetworkHolder({
      maps: idMapsFor(host),
      ...(survivor === undefined ? {} : { join: survivor }),
      ...{ lifeline: lifelineFd, lock: lockFd, record, networkFile },
      ...(existsSync('/etc/resolv.conf') ? { resolvConf } : {}),
    });
    const known = identifyProcess(pid);
    if (!known) throw new CtrError('NETWORK', 'the holder of the bridge networks ended at once');
    writeJsonFile(record, known, { mode: 0o600 });
    return pid;
  } finally {
    closeSync(lifelineFd);
    closeSync(lockFd);
  }
}

const fdFloor = 100;

/** A process of a container on a bridge network that outlived the holder: its user namespace is the old holder's. */
function survivingMember(host: Host): number | undefined {
  for (const network of listNetworks(host)) {
    for (const { containerId } of readMembers(host, network).members) {
      const state = readRunningState(host, containerId);
      if (state) return state.init.pid;
    }
  }
  return undefined;
}

/** Children of the holder, the youngest last: what serves in its pid namespace has no other parent. */
export function childrenOf(holder: number, name: RegExp): number[] {
  const children = readFileSync(`/proc/${holder}/task/${holder}/children`, 'latin1').trim().split(' ');
  return children.map(Number).filter((pid) => pid > 0 && name.test(commandName(pid)));
}

export const servantOf = (holder: number, name: RegExp): number | undefined => childrenOf(holder, name).at(-1);

function commandName(pid: number): string {
  try {
    const isZombie = /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return isZombie ? '' : readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return ''; // It has ended meanwhile.
  }
}

/** slirp4netns where it is installed, for its size; else pasta. */
async function startUplink(host: Host, holder: number): Promise<void> {
  const slirp = findNetworkProgram(host, 'slirp4netns');
  if (slirp !== undefined) return startSlirpUplink(host, holder, slirp);
  const pasta = requireNetworkProgram(host, 'pasta');
  const args = [pasta, ...uplinkArgs(layout.holderFile(host, 'netns'))];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'uplink', pidNamespace: true });
  if (exitCode !== 0) throw uplinkError('pasta', lastLine(said, exitCode));
}

/** It stays in the foreground and writes "1" when it is ready: a shell puts it behind. */
async function startSlirpUplink(host: Host, holder: number, slirp: string): Promise<void> {
  const [ready, netns] = [layout.holderFile(host, 'uplink.ready'), layout.holderFile(host, 'netns')];
  writeFileSync(ready, '');
  const args = ['/bin/sh', '-c', '"$@" 3>"$0" &', ready, slirp, ...slirpUplinkArgs(netns, uplink)];
  await runInHolder(host, holder, { args, log: 'uplink', pidNamespace: true });
  for (let tries = 0; tries < 1000 && readFileSync(ready, 'latin1') === ''; tries++) {
    if (tries > 20 && !hasUplink(host, holder)) break;
    await sleep(5);
  }
  if (readFileSync(ready, 'latin1') !== '') return configureUplink6(host, holder);
  throw uplinkError('slirp4netns', lastLine(readFileSync(layout.holderFile(host, 'uplink.log'), 'utf8'), 1));
}

/** A router, which the holder is, takes no router advertisements: slirp4netns(1) has fd00::/64 and fe80::2. */
async function configureUplink6(host: Host, holder: number): Promise<void> {
  const batch = layout.holderFile(host, 'uplink.ip6');
  const link = uplink.interface;
  writeFileSync(batch, `address add fd00::100/64 dev ${link} nodad\nroute add default via fe80::2 dev ${link}\n`);
  const args = [requireNetworkProgram(host, 'ip'), '-6', '-batch', batch];
  // A kernel without IPv6 goes without.
  await runInHolder(host, holder, { args, log: 'ip', network: holder });
}

/** The way out has the holder's network as an argument; other children of these names serve an overlay's tunnel. */
const hasUplink = (host: Host, holder: number): boolean =>
  childrenOf(holder, /^(pas(ta|st)|slirp4netns)/).some((pid) =>
    commandLine(pid).includes(layout.holderFile(host, 'netns')),
  );

/** Empty when the process has ended. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function uplinkError(program: string, said: string): CtrError {
  return new CtrError('NETWORK', `${program} did not start for the bridge networks: ${said}`, {
    hint: 'see `ctr doctor`, probes tun and pasta',
  });
}

export const lastLine = (said: string, exitCode: number): string =>
  said
    .split('\n')
    .filter((line) => line !== '' && !line.includes('syslog'))
    .at(-1) ?? `exit ${exitCode}`;

export interface HolderCommand {
  readonly args: readonly string[];
  /** Its output goes to a file of this name. */
  readonly log: string;
  /** A process whose network namespace it works in; absent: that of the host. */
  readonly network?: number;
  /** It is in the pid namespace, too: what it leaves in the background ends with the holder. */
  readonly pidNamespace?: boolean;
}

/** Run a program as root of the holder's user namespace, with the holder's mounts, to its end. */
export async function runInHolder(
  host: Host,
  holder: number,
  { args, log, network, pidNamespace = false }: HolderCommand,
): Promise<{ readonly exitCode: number; readonly said: string }> {
  const { result, said } = await withLog(host, log, async (stdio) => {
    const inside = await startInside({
      maps: idMapsFor(host),
      join: holder,
      pidNamespace,
      ...(network === undefined ? {} : { network }),
      stdio,
      steps: [
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 0 },
        { kind: 'exec', args, env: holderEnvironment(host) },
      ],
    });
    return inside.wait();
  });
  return { exitCode: result, said };
}

/** Do something with a file of this name as stdout and stderr; returns what has been written to it by then, too. */
export async function withLog<Result>(
  host: Host,
  log: string,
  act: (stdio: readonly [number, number, number]) => Promise<Result> | Result,
): Promise<{ readonly result: Result; readonly said: string }> {
  const path = layout.holderFile(host, `${log}.log`);
  const [output, input] = [openSync(path, 'w', 0o600), openSync('/dev/null', 'r')];
  try {
    const result = await act([input, output, output]);
    return { result, said: readFileSync(path, 'utf8') };
  } finally {
    closeSync(output);
    closeSync(input);
  }
}

/** Later versions of netavark would take nftables, or ask firewalld; network-publish.ts has rules of iptables, too. */
export const holderEnvironment = (host: Host): string[] => [
  `PATH=${helperPath(host)}`,
  'NETAVARK_FW=iptables',
  `XTABLES_LOCKFILE=${layout.holderFile(host, 'xtables.lock')}`,
];

/** Wait for a process to be able to take SIGHUP: before, the signal would end it. proc_pid_status(5) "SigCgt" */
export async function untilCatches(pid: number, signal: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, 'latin1');
    } catch {
      return; // It has ended.
    }
    const caught = BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(status)?.[1] ?? '0'}`);
    if ((caught >> BigInt(signal - 1)) & 1n) return;
    await sleep(5);
  }
}
