import { connectNetwork } from '../engine/network-verbs.ts';
import { type CommandSpec, collect } from './command.ts';
import { type AddressOptions, addressWords } from './flags/network-addresses.ts';

export const command: CommandSpec<AddressOptions & { readonly alias: readonly string[] }> = {
  usage: '[options] NETWORK CONTAINER',
  description: 'Put a container on one more network; at once when it runs, and at every later start.',
  examples: ['network connect back web', 'network connect --ip 10.90.0.9 --alias db back web'],
  operands: [2, 2],
  declare(command) {
    command
      .option('--alias <name>', 'another name for it on this network', collect, [])
      .option('--ip <address>', 'its IPv4 address there')
      .option('--ip6 <address>', 'its IPv6 address there')
      .option('--mac-address <address>', 'the hardware address of its interface');
  },
  async run({ host }, [network = '', container = ''], flags) {
    const words = [...addressWords(flags), ...flags.alias.map((alias) => `alias=${alias}`)];
    await connectNetwork(host, network, container, words);
    return 0;
  },
};
