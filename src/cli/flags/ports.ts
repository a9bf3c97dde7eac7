/** -p [[ip:][hostPort]:]containerPort[/protocol] (podman-run(1) "--publish"). */
import type { PortRequest } from '../../engine/run-request.ts';
import { flagError } from './flag-error.ts';
import { isIpAddress } from './ip-address.ts';

const shape = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([\d-]*):)?([\d-]+)(?:\/([a-z]+))?$/i;

/** One request for each port of a range. */
export function parsePublish(text: string): PortRequest[] {
  const match = shape.exec(text);
  if (match === null) throw flagError('--publish', text, 'want [[IP:][HOSTPORT]:]PORT[/tcp|udp|sctp]');
  const [, ip = '', host = '', container = '', protocolText = 'tcp'] = match;
  const hostIp = ip.replace(/^\[(.*)\]$/, '$1');
  if (hostIp !== '' && (!isIpAddress(hostIp) || hostIp.includes(':') !== ip.startsWith('['))) {
    throw flagError('--publish', text, `${JSON.stringify(ip)} is no IP address (IPv6 in brackets)`);
  }
  const containerPorts = parsePortRange(text, container);
  const hostPorts = host === '' ? containerPorts.map(() => 0) : parsePortRange(text, host, 0);
  if (hostPorts.length !== containerPorts.length) {
    throw flagError('--publish', text, 'the ranges on both sides must have the same length');
  }
  const protocol = protocolOf(text, protocolText);
  return containerPorts.map((containerPort, at) => ({
    ...(hostIp === '' ? {} : { hostIp }),
    hostPort: hostPorts[at] ?? 0,
    containerPort,
    protocol,
  }));
}

/** --expose PORT[-PORT][/PROTOCOL]: the ports as an image names them, `80/tcp`. */
export function checkExposed(text: string): string[] {
  const [range = '', protocolText = 'tcp', ...more] = text.split('/');
  if (more.length > 0) throw flagError('--expose', text, 'want PORT[-PORT][/tcp|udp|sctp]');
  const protocol = protocolOf(text, protocolText);
  return parsePortRange(text, range).map((port) => `${port}/${protocol}`);
}

function protocolOf(text: string, word: string): PortRequest['protocol'] {
  const protocol = (['tcp', 'udp', 'sctp'] as const).find((one) => one === word.toLowerCase());
  if (protocol === undefined) throw flagError('--publish', text, 'want the protocol tcp, udp or sctp');
  return protocol;
}

function parsePortRange(text: string, range: string, least = 1): number[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first < least || last > 65_535 || first > last) {
    throw flagError('--publish', text, `${JSON.stringify(range)} is no port or range of ports (1-65535)`);
  }
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
