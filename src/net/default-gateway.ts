/** The host's IPv4 gateway, by which pasta with --map-gw makes the host's loopback reachable. */
import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { formatIp } from '../base/ip-network.ts';

/** proc_pid_net(5) "route": interface, destination and gateway as hex words in the machine's byte order. */
export function parseDefaultGateway(text: string): string | undefined {
  const words = text.split('\n').map((line) => line.split(/\s+/));
  const hex = words.find(([, destination, gateway]) => destination === '00000000' && gateway !== '00000000')?.[2];
  if (hex === undefined || !/^[\dA-F]{8}$/i.test(hex)) return undefined;
  return formatIp(4, BigInt(Buffer.from(hex, 'hex').readUInt32LE(0)));
}

export function defaultGateway(): string {
  const gateway = parseDefaultGateway(readFileSync('/proc/net/route', 'latin1'));
  if (gateway !== undefined) return gateway;
  throw new CtrError('NETWORK', 'this host has no IPv4 gateway, by whose address pasta would make the host reachable', {
    hint: 'use a named network, or --network slirp4netns:allow_host_loopback=true',
  });
}
