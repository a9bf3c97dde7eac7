import { CtrError } from '../base/ctr-error.ts';
import { updateNetwork } from '../engine/network-verbs.ts';
import { type CommandSpec, collect } from './command.ts';
import { flagError } from './flags/flag-error.ts';
import { isIpAddress } from './flags/ip-address.ts';

interface NetworkUpdateFlags {
  readonly dnsAdd: readonly string[];
  readonly dnsDrop: readonly string[];
}

export const command: CommandSpec<NetworkUpdateFlags> = {
  usage: '[options] NETWORK',
  description: 'Change which name servers are asked for what no container is called. Holds at once.',
  examples: ['network update --dns-add 9.9.9.9 front', 'network update --dns-drop 9.9.9.9 front'],
  operands: [1, 1],
  declare(command) {
    command
      .option('--dns-add <address>', 'add a name server', collect, [])
      .option('--dns-drop <address>', 'remove a name server', collect, []);
  },
  async run({ host, stdout }, [name = ''], { dnsAdd, dnsDrop }) {
    const words = [...dnsAdd, ...dnsDrop].flatMap((word) => word.split(','));
    if (words.length === 0) throw new CtrError('USAGE', 'requires --dns-add or --dns-drop');
    const wrong = words.find((word) => !isIpAddress(word));
    if (wrong !== undefined) throw flagError('--dns-add', wrong, 'want an IP address');
    const split = (all: readonly string[]) => all.flatMap((word) => word.split(','));
    const network = await updateNetwork(host, name, { add: split(dnsAdd), drop: split(dnsDrop) });
    stdout.write(`${network.name}\n`);
    return 0;
  },
};
