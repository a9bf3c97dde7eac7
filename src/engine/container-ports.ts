/** Published ports as `ps`, `port` and `inspect` show them. */
import type { PortRequest } from './run-request.ts';

/** Podman's and Docker's word for "all addresses". */
export const hostIpOf = ({ hostIp }: PortRequest): string => hostIp ?? '0.0.0.0';

/** `0.0.0.0:8000-8002->8000-8002/tcp, 127.0.0.1:53->53/udp`: neighbours become ranges. */
export function portsText(ports: readonly PortRequest[]): string {
  return rangesOf(ports)
    .map(({ first, count }) => {
      const span = (port: number) => (count === 1 ? `${port}` : `${port}-${port + count - 1}`);
      return `${bracketed(hostIpOf(first))}:${span(first.hostPort)}->${span(first.containerPort)}/${first.protocol}`;
    })
    .join(', ');
}

/** An IPv6 address in front of a port is put into brackets. */
export const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

export interface PortRange {
  readonly first: PortRequest;
  readonly count: number;
}

/** Ports that follow each other on both sides, of one address and protocol, as one range. */
export function rangesOf(ports: readonly PortRequest[]): PortRange[] {
  const ranges: PortRange[] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last && continues(last, port)) ranges[ranges.length - 1] = { first: last.first, count: last.count + 1 };
    else ranges.push({ first: port, count: 1 });
  }
  return ranges;
}

const continues = ({ first, count }: PortRange, port: PortRequest): boolean =>
  port.hostIp === first.hostIp &&
  port.protocol === first.protocol &&
  port.containerPort === first.containerPort + count &&
  port.hostPort === first.hostPort + count;
