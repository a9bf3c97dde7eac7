import { disconnectFromNetwork } from '../engine/network-verbs.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: '[options] NETWORK CONTAINER',
  description: 'Take a container off a network; at once when it runs, and for every later start.',
  examples: ['network disconnect back web'],
  operands: [2, 2],
  declare(command) {
    command.option('-f, --force', 'accepted, as in Podman: there is nothing that it changes');
  },
  async run({ host }, [network = '', container = '']) {
    await disconnectFromNetwork(host, network, container);
    return 0;
  },
};
