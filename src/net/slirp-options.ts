/** What may stand after `slirp4netns:`, and where slirp4netns(1) puts everything by it. */
import { CtrError } from '../base/ctr-error.ts';
import { formatIp, parseSubnet } from '../base/ip-network.ts';

export interface SlirpAddresses {
  /** With allow_host_loopback: the host's 127.0.0.1. */
  readonly host: string;
  readonly nameserver: string;
  readonly container: string;
}

/** Where slirp4netns puts everything in its net, which `cidr=` moves; a wrong option is an INVALID error. */
export function slirpAddresses(options: readonly string[]): SlirpAddresses {
  const cidr = slirpOptions(options).get('cidr') ?? '10.0.2.0/24';
  const net = parseSubnet(cidr);
  if (net?.version !== 4 || net.prefix > 25) {
    throw new CtrError('INVALID', `slirp4netns: cidr=${cidr} is no IPv4 network with room for address 100`);
  }
  const at = (offset: bigint) => formatIp(4, net.first + offset);
  return { host: at(2n), nameserver: at(3n), container: at(100n) };
}

const isBoolean = (value: string) => value === 'true' || value === 'false';
const isMtu = (value: string) => /^\d{2,5}$/.test(value) && Number(value) >= 68 && Number(value) <= 65_521;
const isGiven = (value: string) => value !== '';
/** Podman's words. The port handler is slirp4netns itself: clients keep their addresses, where rootlesskit's lose them. */
const optionChecks: Readonly<Record<string, (value: string) => boolean>> = {
  mtu: isMtu,
  cidr: isGiven,
  enable_ipv6: isBoolean,
  allow_host_loopback: isBoolean,
  outbound_addr: isGiven,
  outbound_addr6: isGiven,
  port_handler: (value) => value === 'slirp4netns',
};

/** By name; a wrong one is an INVALID error that lists the known ones. */
export function slirpOptions(options: readonly string[]): ReadonlyMap<string, string> {
  return new Map(options.map(splitOption));
}

function splitOption(option: string): [string, string] {
  const [name = '', value] = option.split('=', 2);
  const check = Object.hasOwn(optionChecks, name) ? optionChecks[name] : undefined;
  if (check === undefined || value === undefined) {
    throw new CtrError('INVALID', `slirp4netns: unknown option ${JSON.stringify(option)}`, {
      hint: `known are ${Object.keys(optionChecks)
        .map((known) => `${known}=…`)
        .join(', ')}`,
    });
  }
  if (check(value)) return [name, value];
  if (name !== 'port_handler') throw new CtrError('INVALID', `slirp4netns: ${option} is no value for ${name}`);
  throw new CtrError('UNSUPPORTED', `slirp4netns: ${option}: ports are forwarded by slirp4netns itself`, {
    hint: 'leave it out; --network pasta is faster and keeps the addresses of clients, too',
  });
}
