/**
 * slirp4netns(1): the older user-mode network, for hosts without pasta. NAT to 10.0.2.0/24.
 *
 * Facts, seen with 1.2.0: it stays in the foreground; it writes "1" to --ready-fd after 17 ms; it quits when the other
 * end of --exit-fd is closed, and never because the namespace is empty. No process of ctr lives as long as the
 * container, so nobody could hold that end: slirp4netns is ended by its pid and start time. Ports are published by its API
 * socket (slirp-ports.ts).
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from '../linux/process-identity.ts';
import type { PublishedPort } from './host-ports.ts';
import { slirpAddresses, slirpOptions } from './slirp-options.ts';

export interface SlirpRequest {
  /** A process in the network namespace. */
  readonly pid: number;
  /** The container's runtime directory, for its messages. */
  readonly directory: string;
  /** Podman's words after `slirp4netns:`: mtu=…, cidr=…, enable_ipv6=true, allow_host_loopback=true, outbound_addr=…. */
  readonly options: readonly string[];
  readonly publish: readonly PublishedPort[];
}

/**
 * As the way out of the holder of bridge networks: it takes 0.7 MB where pasta takes 29 (its buffers are written to at the
 * start). `networkFile` is the holder's network; the program is in its user and pid namespace.
 */
export function slirpUplinkArgs(networkFile: string, link: { interface: string; subnet: string }): string[] {
  const net = [`--cidr=${link.subnet}`, '--mtu=65520', '--enable-ipv6'];
  return ['--configure', '--ready-fd=3', ...net, '--netns-type=path', networkFile, link.interface];
}

const interfaceName = 'tap0';
const logName = 'slirp4netns.log';
const apiSocketName = 'slirp4netns.sock';
const readyTimeoutMs = 10_000;

/** The arguments for slirp4netns; an unknown option is an INVALID error that lists the known ones. */
export function slirpArgs({ pid, options, publish }: SlirpRequest): string[] {
  const chosen = slirpOptions(options);
  const args = ['--configure', '--ready-fd=3', `--mtu=${chosen.get('mtu') ?? '65520'}`];
  if (publish.length > 0) args.push(`--api-socket=/proc/self/fd/4/${apiSocketName}`);
  if (chosen.get('allow_host_loopback') !== 'true') args.push('--disable-host-loopback');
  if (chosen.get('enable_ipv6') === 'true') args.push('--enable-ipv6');
  for (const [name, flag] of [
    ['cidr', '--cidr'],
    ['outbound_addr', '--outbound-addr'],
    ['outbound_addr6', '--outbound-addr6'],
  ] as const) {
    const value = chosen.get(name);
    if (value !== undefined) args.push(`${flag}=${value}`);
  }
  return [...args, String(pid), interfaceName];
}

/** Start slirp4netns; returns its identity when the container's network works. */
export async function startSlirp(request: SlirpRequest, executable: string): Promise<ProcessIdentity> {
  const { spawn } = await import('node:child_process');
  const args = slirpArgs(request);
  mkdirSync(request.directory, { recursive: true, mode: 0o700 });
  const log = openSync(`${request.directory}/${logName}`, 'w', 0o600);
  // The path of a socket may have 107 bytes: both sides name it by a descriptor of its directory.
  const directory = openSync(request.directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const child = spawn(executable, args, { stdio: ['ignore', log, log, 'pipe', directory], detached: true });
  closeSync(log);
  try {
    await untilReady(child, request);
    if (request.publish.length > 0) {
      const { addForwards } = await import('./slirp-ports.ts');
      const socket = `/proc/self/fd/${directory}/${apiSocketName}`;
      await addForwards(socket, slirpAddresses(request.options).container, request.publish);
    }
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity === undefined) throw startFailure(request, 'it ended at once');
    return identity;
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    closeSync(directory);
    child.unref();
  }
}

function untilReady(child: ChildProcess, request: SlirpRequest): Promise<void> {
  const ready = child.stdio[3];
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(missing(cause)));
    child.once('exit', (code) => reject(startFailure(request, `exit ${code}`)));
    setTimeout(() => reject(startFailure(request, 'not ready in time')), readyTimeoutMs).unref();
    ready?.once('data', () => {
      ready.destroy();
      resolve();
    });
  });
}

/** End slirp4netns if it is still that process; idempotent. */
export function stopSlirp(identity: ProcessIdentity): void {
  try {
    if (isAlive(identity)) process.kill(identity.pid, 'SIGTERM');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

function missing(cause: unknown): CtrError {
  return new CtrError('NETWORK', 'slirp4netns cannot be run', {
    cause,
    hint: 'install the package slirp4netns, or use --network pasta, host or none',
  });
}

function startFailure({ directory }: SlirpRequest, reason: string): CtrError {
  const said = readFileSync(`${directory}/${logName}`, 'utf8').trim().split('\n').slice(-2).join('; ');
  return new CtrError('NETWORK', `slirp4netns did not start: ${said || reason}`, {
    hint: 'see `ctr doctor`, probe tun',
  });
}
