/**
 * Ports of the host that a container wants to publish: proved free by binding them for a moment, before anything is
 * started, because pasta and slirp4netns tell only "failed to bind any port".
 */
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { AF, SOCK } from '../linux/constants.ts';

export interface PublishedPort {
  /** Absent: all addresses. */
  readonly hostIp?: string;
  /** 0: a free one is chosen. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

/** The same ports with a number wherever there was 0; IN_USE or DENIED when one cannot be bound. */
export async function reservePorts(ports: readonly PublishedPort[]): Promise<PublishedPort[]> {
  const chosen: PublishedPort[] = [];
  for (const port of ports) chosen.push({ ...port, hostPort: await bindForAMoment(port) });
  const keys = chosen.map(describePort);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw new CtrError('INVALID', `host port ${twice} is published twice`);
  return chosen;
}

/** `127.0.0.1:8080/tcp`, `[::1]:53/udp`, `8080/tcp`. */
export function describePort({ hostIp, hostPort, protocol }: PublishedPort): string {
  const address = hostIp === undefined ? '' : `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:`;
  return `${address}${hostPort}/${protocol}`;
}

async function bindForAMoment(port: PublishedPort): Promise<number> {
  try {
    if (port.protocol === 'tcp') return await bindTcp(port);
    if (port.protocol === 'udp') return await bindUdp(port);
  } catch (cause) {
    throw bindError(port, cause);
  }
  throw sctpError(port, await hasSctp());
}

/** Neither pasta nor slirp4netns forwards SCTP, whether the kernel has it or not. */
export function sctpError(port: PublishedPort, kernelHasIt: boolean): CtrError {
  const what = `cannot publish ${describePort(port)}`;
  if (!kernelHasIt) {
    return new CtrError('UNSUPPORTED', `${what}: this kernel has no SCTP`, {
      hint: 'it is the module sctp, which root may load',
    });
  }
  return new CtrError('UNSUPPORTED', `${what}: no program of an unprivileged user forwards SCTP, only TCP and UDP`, {
    hint: 'with --network host its port is the host’s own',
  });
}

/** Whether the kernel makes such sockets; the first one loads the module. sctp(7) */
async function hasSctp(): Promise<boolean> {
  const { libc } = await import('../linux/ffi.ts');
  const { closeSync } = await import('node:fs');
  const protocol = 132;
  try {
    closeSync(libc('socket', 'i32', ['i32', AF.INET], ['i32', SOCK.STREAM | SOCK.CLOEXEC], ['i32', protocol]));
    return true;
  } catch {
    return false;
  }
}

async function bindTcp({ hostPort, hostIp }: PublishedPort): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: hostPort, ...(hostIp === undefined ? {} : { host: hostIp }), exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : hostPort;
      server.close(() => resolve(bound));
    });
  });
}

async function bindUdp({ hostPort, hostIp }: PublishedPort): Promise<number> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket(hostIp?.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port: hostPort, ...(hostIp === undefined ? {} : { address: hostIp }), exclusive: true }, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

function bindError(port: PublishedPort, cause: unknown): CtrError {
  const what = `cannot publish ${describePort(port)}`;
  switch (errnoOf(cause)) {
    case 'EADDRINUSE':
      return new CtrError('IN_USE', `${what}: the port is in use`, {
        cause,
        hint: `choose another host port, or find its owner with ss -lp 'sport = ${port.hostPort}'`,
      });
    case 'EACCES':
      return new CtrError('DENIED', `${what}: ports below net.ipv4.ip_unprivileged_port_start are for root`, {
        cause,
        hint: `publish a higher port; or \`sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${port.hostPort}\`; or let systemd open it and pass it on (LISTEN_FDS, docs/networks.md "Ports below 1024")`,
      });
    case 'EADDRNOTAVAIL':
      return new CtrError('INVALID', `${what}: this host has no address ${port.hostIp}`, { cause });
    default:
      return new CtrError('NETWORK', what, { cause });
  }
}
