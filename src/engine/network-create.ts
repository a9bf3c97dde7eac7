/** `ctr network create`: what the flags leave open is chosen here; nothing is made in the kernel before it is used. */
import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import {
  contains,
  formatIp,
  formatSubnet,
  type IpNetwork,
  overlaps,
  parseIp,
  parseSubnet,
  subnetOf,
} from '../base/ip-network.ts';
import { randomHex } from '../base/random.ts';
import { defaultOverlayMtu } from '../net/wireguard.ts';
import { lockNow, lockOf } from '../storage/lock.ts';
import {
  hasBridge,
  isNetworkName,
  listNetworks,
  type NetworkRecord,
  type NetworkSubnet,
  networkId,
  readNetwork,
  writeNetwork,
} from '../storage/network-store.ts';
import { type OverlaySpec, ownPart } from './network-overlay.ts';

export interface NetworkSpec {
  readonly name?: string;
  readonly driver: string;
  /** In the order of the flags; a gateway or range belongs to the subnet that has it. */
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ranges: readonly string[];
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly dns: boolean;
  readonly dnsServers: readonly string[];
  readonly interfaceName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Of the driver `overlay`. */
  readonly overlay?: OverlaySpec;
  /** One that has the name already is no error. */
  readonly ignore: boolean;
}

/** Names of --network that are no networks. */
const reserved = ['none', 'host', 'private', 'default', 'pasta', 'slirp4netns', 'container', 'ns', 'podman', 'bridge'];
const drivers = ['bridge', 'macvlan', 'ipvlan', 'overlay'];

export function createNetwork(host: Host, spec: NetworkSpec): NetworkRecord {
  // Who chooses a subnet must see what others have chosen.
  using _lock = lockNow(lockOf(host, 'index', 'networks'));
  const name = spec.name ?? `net-${randomHex(4)}`;
  checkName(name);
  const known = readNetwork(host, name);
  if (known && spec.ignore) return known;
  if (known) throw new CtrError('EXISTS', `network name ${name} already used: network already exists`);
  if (!drivers.includes(spec.driver)) {
    throw new CtrError('INVALID', `unsupported driver ${JSON.stringify(spec.driver)}`, {
      hint: `the drivers are ${drivers.join(', ')}`,
    });
  }
  const others = listNetworks(host);
  const subnets = subnetsFor(spec, others);
  const network: NetworkRecord = {
    name,
    id: networkId(name),
    driver: spec.driver,
    network_interface: hasBridge(spec) ? bridgeName(spec.interfaceName, others) : parentOf(spec, others),
    created: new Date().toISOString(),
    subnets,
    ipv6_enabled: spec.ipv6 || subnets.some(({ subnet }) => subnet.includes(':')),
    internal: spec.internal,
    dns_enabled: spec.dns && hasBridge(spec),
    ...(spec.dnsServers.length > 0 ? { network_dns_servers: spec.dnsServers } : {}),
    labels: spec.labels,
    options: checkedOptions(spec),
    ipam_options: { driver: 'host-local' },
    ...(spec.overlay ? { overlay: spec.overlay.record } : {}),
  };
  refuseTakenPort(network, others);
  writeNetwork(host, network);
  return network;
}

function checkName(name: string): void {
  if (!isNetworkName(name)) {
    throw new CtrError('INVALID', `network name ${JSON.stringify(name)} is invalid`, {
      hint: 'names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*',
    });
  }
  if (reserved.includes(name)) throw new CtrError('INVALID', `cannot create a network with the reserved name ${name}`);
}

function subnetsFor(spec: NetworkSpec, others: readonly NetworkRecord[]): NetworkSubnet[] {
  const taken = [...others.flatMap(({ subnets }) => subnets.map(({ subnet }) => subnetOf(subnet))), ...hostSubnets()];
  const chosen = spec.subnets.map((text) => {
    const net = parseSubnet(text);
    if (!net) throw new CtrError('INVALID', `--subnet ${text} is no subnet like 10.89.0.0/24 or fd00:1::/64`);
    if (net.prefix > (net.version === 4 ? 30 : 126)) {
      throw new CtrError('INVALID', `--subnet ${text} has no room for a gateway and a container`);
    }
    if (taken.some((other) => overlaps(net, other))) {
      throw new CtrError('IN_USE', `subnet ${formatSubnet(net)} is already used on the host or by another network`);
    }
    return net;
  });
  if (!chosen.some(({ version }) => version === 4) && !(spec.ipv6 && chosen.length > 0)) {
    if (chosen.length === 0) chosen.push(commonSubnet4(spec, taken) ?? freeSubnet4(taken));
  }
  if (spec.ipv6 && !chosen.some(({ version }) => version === 6)) chosen.push(spec.overlay?.subnet6 ?? randomSubnet6());
  const stray = [...spec.gateways, ...spec.ranges.map((range) => range.split(/[-/]/)[0] ?? '')].find(
    (address) => !chosen.some((net) => contains(net, address)),
  );
  if (stray !== undefined) throw new CtrError('INVALID', `${stray} is in none of the network's subnets`);
  return chosen.map((net) => subnetRecord(net, spec));
}

/** Of an overlay: all its machines have to have the same. */
function commonSubnet4({ name, overlay }: NetworkSpec, taken: readonly IpNetwork[]): IpNetwork | undefined {
  if (!overlay || !taken.some((other) => overlaps(overlay.subnet4, other))) return overlay?.subnet4;
  throw new CtrError('IN_USE', `subnet ${formatSubnet(overlay.subnet4)}, which ${name} would have, is in use here`, {
    hint: 'give another --subnet, the same on all machines',
  });
}

function subnetRecord(net: IpNetwork, spec: NetworkSpec): NetworkSubnet {
  const { gateways, ranges, internal, driver, overlay } = spec;
  const gateway = gateways.find((address) => contains(net, address));
  const range = ranges.find((one) => contains(net, one.split(/[-/]/)[0] ?? ''));
  const withoutGateway = internal && !hasBridge({ driver }) && gateway === undefined;
  const part = overlay && ownPart(net, overlay.part);
  const lease_range = range === undefined ? part?.lease_range : leaseRange(net, range);
  return {
    subnet: formatSubnet(net),
    ...(withoutGateway ? {} : { gateway: gateway ?? part?.gateway ?? formatIp(net.version, net.first + 1n) }),
    ...(lease_range ? { lease_range } : {}),
  };
}

/** `10.89.0.128/25`, or Podman's `10.89.0.10-10.89.0.20`. */
function leaseRange(net: IpNetwork, text: string): { start_ip: string; end_ip: string } {
  const [from = '', to = ''] = text.split('-');
  const range = parseSubnet(text);
  const [first, last] = range ? [range.first, range.last] : [parseIp(from)?.value, parseIp(to)?.value];
  if (first === undefined || last === undefined || first > last || first < net.first || last > net.last) {
    throw new CtrError('INVALID', `--ip-range ${text} is no part of ${formatSubnet(net)}`);
  }
  return { start_ip: formatIp(net.version, first), end_ip: formatIp(net.version, last) };
}

/** 10.89.0.0/24 to 10.255.255.0/24, as Podman. */
function freeSubnet4(taken: readonly IpNetwork[]): IpNetwork {
  const size = 256n;
  for (let first = 0x0a590000n; first < 0x0b000000n; first += size) {
    const net: IpNetwork = { version: 4, first, last: first + size - 1n, prefix: 24 };
    if (!taken.some((other) => overlaps(net, other))) return net;
  }
  throw new CtrError('NO_SPACE', 'no subnet is free between 10.89.0.0 and 10.255.255.255', {
    hint: 'name one with --subnet',
  });
}

/** RFC 4193: a random 40-bit global ID makes a clash unlikely. */
function randomSubnet6(): IpNetwork {
  const first = (0xfdn << 120n) | (BigInt(`0x${randomHex(5)}`) << 80n);
  return { version: 6, first, last: first + (1n << 64n) - 1n, prefix: 64 };
}

/** proc_pid_net(5) "route": what the host reaches without its gateway must not be hidden from containers. */
export function hostSubnets(text = readRoutes()): IpNetwork[] {
  return text.split('\n').flatMap((line) => {
    const [, destination = '', , , , , , mask = ''] = line.split(/\s+/);
    if (!/^[\dA-F]{8}$/i.test(destination) || !/^[\dA-F]{8}$/i.test(mask)) return [];
    const word = (hex: string) => BigInt(Buffer.from(hex, 'hex').readUInt32LE(0));
    const prefix = word(mask).toString(2).replaceAll('0', '').length;
    return prefix === 0 ? [] : [subnetOf(`${formatIp(4, word(destination))}/${prefix}`)];
  });
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'latin1');
  } catch {
    return '';
  }
}

/** Each overlay network has a tunnel of its own, and a UDP port for it. */
function refuseTakenPort({ overlay }: NetworkRecord, others: readonly NetworkRecord[]): void {
  const portOf = (peer: string | undefined) => peer?.split(':').at(-1);
  const port = portOf(overlay?.self);
  const owner = others.find((one) => port !== undefined && portOf(one.overlay?.self) === port);
  if (!owner) return;
  throw new CtrError('IN_USE', `UDP port ${port} belongs to the overlay network ${owner.name}`, {
    hint: 'each has its own: --peer HOST:PORT',
  });
}

/** The kernel allows 15 bytes. */
function bridgeName(wanted: string | undefined, others: readonly NetworkRecord[]): string {
  const taken = new Set(others.map(({ network_interface: name }) => name));
  if (wanted !== undefined) {
    if (!/^[\w.-]{1,15}$/.test(wanted))
      throw new CtrError('INVALID', `--interface-name ${wanted} is no interface name`);
    if (taken.has(wanted)) throw new CtrError('IN_USE', `bridge name ${wanted} already in use`);
    return wanted;
  }
  for (let number = 1; ; number++) if (!taken.has(`ctr${number}`)) return `ctr${number}`;
}

/** macvlan and ipvlan sit on an interface that the holder's namespace owns: a bridge of another network. */
function parentOf({ driver, options, interfaceName }: NetworkSpec, others: readonly NetworkRecord[]): string {
  const parent = options.parent ?? interfaceName;
  const bridges = others.filter(hasBridge);
  if (parent !== undefined && bridges.some(({ network_interface: name }) => name === parent)) return parent;
  throw new CtrError(
    'UNSUPPORTED',
    parent === undefined
      ? `a ${driver} network needs the interface that it is on: --opt parent=NAME`
      : `${parent} belongs to the network of the host: only root may put a ${driver} on it`,
    {
      hint: `interfaces of yours are those of bridge networks: ${bridges.map((one) => one.network_interface).join(', ')}`,
    },
  );
}

const knownOptions = [
  ...['mtu', 'isolate', 'vlan', 'mode', 'metric', 'parent', 'host_loopback', 'advertise', 'etcd'],
  // Docker's word for mtu.
  'com.docker.network.driver.mtu',
];

function checkedOptions({ options, overlay }: NetworkSpec): Record<string, string> {
  const unknown = Object.keys(options).find((name) => !knownOptions.includes(name) && !name.startsWith('com.docker.'));
  if (unknown !== undefined) {
    throw new CtrError('INVALID', `unsupported network option ${unknown}`, {
      hint: `known are ${knownOptions.slice(0, -1).join(', ')}`,
    });
  }
  const mtu = options.mtu ?? options['com.docker.network.driver.mtu'];
  if (mtu !== undefined && !(/^\d+$/.test(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65_535)) {
    throw new CtrError('INVALID', `--opt mtu=${mtu}: want a number from 68 to 65535`);
  }
  const elsewhere = ['parent', 'advertise', 'etcd'];
  const kept = Object.entries(options).filter(([name]) => !elsewhere.includes(name) && !name.startsWith('com.docker.'));
  const ofOverlay = overlay ? { mtu: String(defaultOverlayMtu) } : {};
  return { ...ofOverlay, ...Object.fromEntries(kept), ...(mtu === undefined ? {} : { mtu }) };
}
