import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { createNetwork } from '../engine/network-create.ts';
import { type CommandSpec, collect } from './command.ts';
import { flagError } from './flags/flag-error.ts';
import { isIpAddress } from './flags/ip-address.ts';
import { recordOf } from './flags/key-value.ts';

interface NetworkCreateFlags {
  readonly disableDns?: boolean;
  readonly dns: readonly string[];
  readonly driver: string;
  readonly gateway: readonly string[];
  readonly ignore?: boolean;
  readonly interfaceName?: string;
  readonly ipamDriver?: string;
  readonly internal?: boolean;
  readonly ipRange: readonly string[];
  readonly ipv6?: boolean;
  readonly keyFile?: string;
  readonly label: readonly string[];
  readonly opt: readonly string[];
  readonly peer: readonly string[];
  readonly subnet: readonly string[];
}

export const command: CommandSpec<NetworkCreateFlags> = {
  usage: '[options] [NAME]',
  description:
    'Make a network and print its name. Its containers reach each other by name; those of other networks do not\n' +
    'reach them. Options: mtu, isolate=false (routed to other networks), vlan, host_loopback=true (the host’s\n' +
    'loopback is host.containers.internal), parent (macvlan).\n' +
    'An overlay is one network on several machines, encrypted between them: the same command on each, with a copy\n' +
    'of the same key file. Options: advertise=HOST[:PORT] (which peer this machine is, where it is not plain), etcd=URL\n' +
    '(where machines find each other without --peer).',
  examples: [
    'network create front',
    'network create --subnet 10.90.0.0/24 --gateway 10.90.0.1 --ip-range 10.90.0.128/25 back',
    'network create -d overlay --key-file ~/overlay.key --peer alpha.example --peer beta.example team',
    'network create --internal --ipv6 --label team=db --opt mtu=1400 data',
  ],
  operands: [0, 1],
  declare(command) {
    command
      .option('--disable-dns', 'names of containers do not resolve')
      .option('--dns <address>', 'a name server for what no container is called', collect, [])
      .option('-d, --driver <name>', 'bridge, overlay, macvlan or ipvlan', 'bridge')
      .option('--gateway <address>', 'the address of the bridge in a subnet', collect, [])
      .option('--ignore', 'a network that is there already is no error')
      .option('--interface-name <name>', 'what the bridge is called')
      .option('--internal', 'no way out of the network')
      .option('--ip-range <range>', 'give out these addresses only: a subnet, or FIRST-LAST', collect, [])
      .option('--ipv6', 'an IPv6 subnet, too')
      .option('--key-file <file>', 'the secret that the machines of an overlay share')
      .option('--label <key=value>', 'add a label', collect, [])
      .option('-o, --opt <key=value>', 'an option for the driver', collect, [])
      .option('--peer <host[:port]>', 'a machine of an overlay, this one or another; UDP port 51820', collect, [])
      .option('--subnet <subnet>', 'the addresses of the network, like 10.90.0.0/24', collect, [])
      // Docker's, which say what is the case here anyway.
      .option('--attachable', 'containers may join, as always')
      .option('--ipam-driver <name>', 'host-local is the only one');
  },
  async run({ host, stdout }, [name], flags) {
    for (const [flag, words] of [
      ['--gateway', flags.gateway],
      ['--dns', flags.dns],
    ] as const) {
      const wrong = words.find((word) => !isIpAddress(word));
      if (wrong !== undefined) throw flagError(flag, wrong, 'want an IP address');
    }
    checkIpamDriver(flags.ipamDriver);
    if (flags.driver === 'ipvlan') await (await import('../engine/ipvlan-support.ts')).requireIpvlan(host);
    const options = recordOf('--opt', flags.opt);
    const overlay = await overlayOf(host, name, flags, options);
    const network = createNetwork(host, {
      ...(name === undefined ? {} : { name }),
      driver: flags.driver,
      subnets: flags.subnet,
      gateways: flags.gateway,
      ranges: flags.ipRange,
      ipv6: flags.ipv6 ?? false,
      internal: flags.internal ?? false,
      dns: !flags.disableDns,
      dnsServers: flags.dns,
      ...(flags.interfaceName === undefined ? {} : { interfaceName: flags.interfaceName }),
      labels: recordOf('--label', flags.label),
      options,
      ...(overlay ? { overlay } : {}),
      ignore: flags.ignore ?? false,
    });
    stdout.write(`${network.name}\n`);
    return 0;
  },
};

/** The flags of an overlay; refused where they would mean nothing. */
async function overlayOf(
  host: Host,
  name: string | undefined,
  { driver, peer: peers, keyFile }: NetworkCreateFlags,
  { advertise, etcd }: Readonly<Record<string, string>>,
) {
  if (driver === 'overlay') {
    const { overlaySpec } = await import('../engine/network-overlay.ts');
    return overlaySpec(host, { name, peers, keyFile, advertise, etcd });
  }
  const stray = { '--peer': peers[0], '--key-file': keyFile, '--opt advertise': advertise, '--opt etcd': etcd };
  const [flag, value = ''] = Object.entries(stray).find(([, given]) => given !== undefined) ?? [];
  if (flag !== undefined) throw flagError(flag, value, 'it is for -d overlay');
  return undefined;
}

/** `default` is Docker's word for its own. */
function checkIpamDriver(name = 'default'): void {
  if (['default', 'host-local'].includes(name)) return;
  throw new CtrError('UNSUPPORTED', `--ipam-driver ${name}: addresses are given out by ctr itself (host-local)`, {
    hint: 'no daemon asks a DHCP server here; --ip-range leaves addresses to others',
  });
}
