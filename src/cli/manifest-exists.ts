import { findManifestList } from '../storage/manifest-list-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'LIST',
  description: 'Exits with 0 when there is such a list and with 1 when there is none; prints nothing.',
  examples: ['manifest exists app:1'],
  operands: [1, 1],
  run: ({ host }, [name = '']) => (findManifestList(host, name) ? 0 : 1),
};
