import { receiveFromPeer, syncNetwork } from '../engine/network-sync.ts';
import { soonerExitCode } from '../ns/timer.ts';
import { isOverlay, resolveNetwork } from '../storage/network-store.ts';
import type { CommandSpec } from './command.ts';

interface NetworkSyncFlags {
  readonly receive?: boolean;
}

export const command: CommandSpec<NetworkSyncFlags> = {
  usage: '[options] NETWORK',
  description: 'What the listener of an overlay network executes: tell the other machines who is on it, or hear one.',
  examples: ['network sync backend'],
  operands: [1, 1],
  declare(command) {
    command.option('--receive', 'a peer speaks on standard input');
  },
  async run({ host }, [name = ''], { receive }) {
    const network = resolveNetwork(host, name);
    if (!isOverlay(network)) return 0;
    if (!receive) return (await syncNetwork(host, network)) ? 0 : soonerExitCode;
    await receiveFromPeer(host, network);
    return 0;
  },
};
