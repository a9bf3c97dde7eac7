import { isVolumeName, readVolume } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'VOLUME',
  description: 'Exits with 0 when the volume is there and with 1 when it is not; prints nothing.',
  examples: ['volume exists data', 'volume exists data || echo missing'],
  operands: [1, 1],
  run: ({ host }, [name = '']) => (isVolumeName(name) && readVolume(host, name) ? 0 : 1),
};
