/**
 * pasta(1) connects a container's network namespace to the host's network, without privileges.
 *
 * Facts, seen with Debian 12's 0.0~git20230309 (nothing here needs a newer one):
 * - It goes to the background and its first process exits 0 when the interface is configured and the ports are bound:
 *   25-45 ms. A port that is taken ends it with status 1 and "Failed to bind any port".
 * - With a PID argument or a /proc/PID/ns/net path it does not quit when the namespace's last process is gone: it
 *   keeps the namespace alive itself. It does quit when the file given by --netns is removed (inotify), if that file
 *   is not in /proc. A symbolic link to /proc/PID/ns/net in the container's runtime directory is such a file: the
 *   removal of that directory, by whom and however late, ends pasta. There is no pid to remember. The link has a
 *   directory of its own: pasta looks at the first event of a read only, so that a neighbour's removal would hide it.
 * - Run by root it changes to the user nobody, who may not join the namespace, unless --runas says otherwise.
 * - `-t` takes ADDRESS/HOSTPORT:PORT; without -t, -u, -T and -U it forwards whatever is bound on either side ("auto").
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { cannotExecute, spawnCommand } from '../linux/spawn-command.ts';
import { describePort, type PublishedPort } from './host-ports.ts';

export interface PastaRequest {
  /** A process in the network namespace; its user namespace must own it. */
  readonly pid: number;
  /** The container's runtime directory: the link that pasta watches, and its messages. */
  readonly directory: string;
  /** The user's options after `pasta:`, passed as they are. */
  readonly options: readonly string[];
  readonly publish: readonly PublishedPort[];
  /** The container reaches the host's loopback by the gateway's address (`--map-gw`). Off: the host stays private. */
  readonly hostLoopback: boolean;
  /**
   * Only to publish ports for a container that has these addresses (one of each version) from elsewhere; interface
   * `publish0` is configured by others.
   */
  readonly publishFor?: readonly string[];
}

/** Link-local, so that it hides nothing: pasta forwards queries for it to the host's resolver, also one on 127.0.0.53. */
export const pastaNameserver = '169.254.1.1';

const startTimeoutMs = 20_000;
const linkFolder = 'pasta';
const linkName = `${linkFolder}/netns`;
const logName = 'pasta.log';

/** The arguments for pasta; options of the user win over ctr's defaults. */
export function pastaArgs(request: PastaRequest, uid: number): string[] {
  const { options, publish, pid, directory } = request;
  const given = (...names: string[]) =>
    options.some((option) => names.some((name) => option === name || option.startsWith(`${name}=`)));
  const ports = (protocol: 'tcp' | 'udp', flag: string) =>
    publish.filter((port) => port.protocol === protocol).flatMap((port) => [flag, portSpec(port)]);
  const [tcp, udp] = [ports('tcp', '-t'), ports('udp', '-u')];
  const none = (flag: string, name: string) => (given(flag, name) ? [] : [flag, 'none']);
  return [
    ...(request.publishFor ? publishSide(request.publishFor) : ['--config-net']),
    '--quiet',
    ...(request.hostLoopback || given('--map-gw', '--no-map-gw') ? [] : ['--no-map-gw']),
    ...(request.publishFor || given('--dns-forward') ? [] : ['--dns-forward', pastaNameserver]),
    ...(tcp.length > 0 ? tcp : none('-t', '--tcp-ports')),
    ...(udp.length > 0 ? udp : none('-u', '--udp-ports')),
    ...none('-T', '--tcp-ns'),
    ...none('-U', '--udp-ns'),
    ...(uid === 0 && !given('--runas') ? ['--runas', '0:0'] : []),
    // --map-gw is Podman's word for the absence of --no-map-gw
    ...options.filter((option) => option !== '--map-gw'),
    '--userns',
    `/proc/${pid}/ns/user`,
    '--netns',
    `${directory}/${linkName}`,
  ];
}

/**
 * A second connection of a container on bridge networks, by which published ports come in with the addresses of their
 * clients, for the container's own addresses. Nothing but answers goes out by it (engine/network-publish.ts).
 */
export const publishLink = { interface: 'publish0', gateway: '169.254.3.1', gateway6: 'fe80::c7:1' } as const;

function publishSide(addresses: readonly string[]): string[] {
  const gateways = addresses.map((address) => (address.includes(':') ? publishLink.gateway6 : publishLink.gateway));
  const own = [...addresses.flatMap((address) => ['-a', address]), ...gateways.flatMap((one) => ['-g', one])];
  const only = addresses.some((address) => address.includes(':')) ? [] : ['-4'];
  return ['-I', publishLink.interface, ...own, '-n', '32', ...only];
}

/**
 * The holder's way out (ns/network-holder.ts), with the offsets that slirp4netns has in its net. The gateway's address is
 * the loopback of the host; see docs/networks.md.
 */
export const uplink = {
  ...{ interface: 'uplink0', subnet: '169.254.2.0/24', address: '169.254.2.100', prefix: 24 },
  ...{ gateway: '169.254.2.2', nameserver: '169.254.2.3' },
} as const;
/** Link-local: no packet of a container is forwarded there, so that the host's ::1 stays out of reach. */
const uplinkGateway6 = 'fe80::c6:1';

/**
 * The arguments for a pasta that runs in the holder's user and pid namespace; `networkFile` is its network. A UDP port of
 * the host comes in where one is given, with the addresses of those who send.
 */
export function uplinkArgs(networkFile: string, udpPort?: number): string[] {
  return [
    ...['--config-net', '--quiet', '-I', uplink.interface, '-a', uplink.address, '-n', String(uplink.prefix)],
    ...['-g', uplink.gateway, '-g', uplinkGateway6, '--dns-forward', uplink.nameserver],
    ...['-t', 'none', '-u', udpPort === undefined ? 'none' : String(udpPort), '-T', 'none', '-U', 'none'],
    ...['--netns', networkFile],
  ];
}

/** Start pasta; returns when the container's network works. */
export async function startPasta(request: PastaRequest, executable: string, uid: number): Promise<void> {
  const { pid, directory } = request;
  mkdirSync(`${directory}/${linkFolder}`, { recursive: true, mode: 0o700 });
  stopPasta(directory);
  symlinkSync(`/proc/${pid}/ns/net`, `${directory}/${linkName}`);
  const log = openSync(`${directory}/${logName}`, 'w', 0o600);
  try {
    // A file and not a pipe: whatever pasta keeps open in the background cannot delay us
    const wait = spawnCommand({
      file: executable,
      args: pastaArgs(request, uid),
      output: log,
      timeoutMs: startTimeoutMs,
    });
    // What the caller has to do meanwhile comes first: the wait stops this thread.
    await Promise.resolve();
    const exit = wait();
    if (exit === cannotExecute) throw unusable(executable);
    if (exit !== 0) throw startFailure(request, exit);
  } catch (error) {
    stopPasta(directory);
    throw error;
  } finally {
    closeSync(log);
  }
}

/** Make pasta quit: it watches for the removal of its link. Idempotent; so is removing the whole directory. */
export function stopPasta(directory: string): void {
  rmSync(`${directory}/${linkName}`, { force: true });
}

function portSpec({ hostIp, hostPort, containerPort }: PublishedPort): string {
  return `${hostIp === undefined ? '' : `${hostIp}/`}${hostPort}:${containerPort}`;
}

function unusable(executable: string): CtrError {
  return new CtrError('NETWORK', `${executable} cannot be run: it connects containers to the network`, {
    hint: 'install the package passt, or use --network slirp4netns, host or none',
  });
}

function startFailure(request: PastaRequest, exit: number): CtrError {
  const [said = ''] = readFileSync(`${request.directory}/${logName}`, 'utf8').split('Usage:');
  const reason = said
    .split('\n')
    .filter((line) => line !== '' && !line.includes('to syslog'))
    .slice(-3)
    .join('; ');
  const ports = request.publish.map(describePort).join(', ');
  const isPort = /bind/i.test(reason) && ports !== '';
  return new CtrError(isPort ? 'IN_USE' : 'NETWORK', `pasta did not start: ${reason || `exit ${exit}`}`, {
    hint: isPort ? `another process may have taken one of ${ports}` : 'see `ctr doctor`, probes tun and pasta',
  });
}
