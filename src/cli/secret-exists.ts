import { findSecret } from '../storage/secret-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'SECRET',
  description: 'Exits with 0 when the secret is kept here and with 1 when it is not; prints nothing.',
  examples: ['secret exists token || ctr secret create token ./token.txt'],
  operands: [1, 1],
  run: ({ host }, [name = '']) => (findSecret(host, name) ? 0 : 1),
};
