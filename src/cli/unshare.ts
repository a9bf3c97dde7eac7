import { unshare } from '../engine/unshare.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: '[COMMAND [ARG...]]',
  description:
    'Runs a command (your shell when there is none) where you are root over your containers’ files: in their user ' +
    'namespace, with mounts of its own.',
  examples: ['unshare', 'unshare chown 33:33 data', 'unshare sh -c \'ls -l "$(ctr mount web)"\''],
  operands: [0, Number.POSITIVE_INFINITY],
  passThrough: true,
  run({ host }, operands) {
    return unshare(host, operands.length > 0 ? operands : [host.env.SHELL || '/bin/sh']);
  },
};
