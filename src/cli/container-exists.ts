import { findContainerId } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'CONTAINER',
  description: 'Exits with 0 when the container exists and with 1 when it does not; prints nothing.',
  examples: ['container exists web', 'container exists web || ctr create --name web nginx'],
  operands: [1, 1],
  declare(command) {
    command.option('--external', 'accepted for Podman; there are no containers of other tools in the store');
  },
  run: ({ host }, [name = '']) => (findContainerId(host, name) === undefined ? 1 : 0),
};
