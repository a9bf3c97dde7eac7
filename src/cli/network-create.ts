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
  readonly internal?: boolean;
  readonly ipRange: readonly string[];
  readonly ipv6?: boolean;
  readonly label: readonly string[];
  readonly opt: readonly string[];
  readonly subnet: readonly string[];
}

export const command: CommandSpec<NetworkCreateFlags> = {
  usage: '[options] [NAME]',
  description:
    'Make a network and print its name. Its containers reach each other by name; those of other networks do not\n' +
    'reach them. Options: mtu, isolate=false (routed to other networks), vlan, host_loopback=true (the host’s\n' +
    'loopback is host.containers.internal), parent (macvlan).',
  examples: [
    'network create front',
    'network create --subnet 10.90.0.0/24 --gateway 10.90.0.1 --ip-range 10.90.0.128/25 back',
    'network create --internal --ipv6 --label team=db --opt mtu=1400 data',
  ],
  operands: [0, 1],
  declare(command) {
    command
      .option('--disable-dns', 'names of containers do not resolve')
      .option('--dns <address>', 'a name server for what no container is called', collect, [])
      .option('-d, --driver <name>', 'bridge, macvlan or ipvlan', 'bridge')
      .option('--gateway <address>', 'the address of the bridge in a subnet', collect, [])
      .option('--ignore', 'a network that is there already is no error')
      .option('--interface-name <name>', 'what the bridge is called')
      .option('--internal', 'no way out of the network')
      .option('--ip-range <range>', 'give out these addresses only: a subnet, or FIRST-LAST', collect, [])
      .option('--ipv6', 'an IPv6 subnet, too')
      .option('--label <key=value>', 'add a label', collect, [])
      .option('-o, --opt <key=value>', 'an option for the driver', collect, [])
      .option('--subnet <subnet>', 'the addresses of the network, like 10.90.0.0/24', collect, [])
      // Docker's, which say what is the case here anyway.
      .option('--attachable', 'containers may join, as always')
      .option('--ipam-driver <name>', 'host-local is the only one');
  },
  run({ host, stdout }, [name], flags) {
    for (const [flag, words] of [
      ['--gateway', flags.gateway],
      ['--dns', flags.dns],
    ] as const) {
      const wrong = words.find((word) => !isIpAddress(word));
      if (wrong !== undefined) throw flagError(flag, wrong, 'want an IP address');
    }
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
      options: recordOf('--opt', flags.opt),
      ignore: flags.ignore ?? false,
    });
    stdout.write(`${network.name}\n`);
    return 0;
  },
};
