import { listNetworks, readNetwork } from '../storage/network-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'NETWORK',
  description: 'Exits with 0 when the network is there and with 1 when it is not; prints nothing.',
  examples: ['network exists front', 'network exists front || ctr network create front'],
  operands: [1, 1],
  run: ({ host }, [name = '']) =>
    readNetwork(host, name) || listNetworks(host).some(({ id }) => name.length > 11 && id.startsWith(name)) ? 0 : 1,
};
