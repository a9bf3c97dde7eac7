import { mountVolume, unmountVolume } from '../engine/volume-verbs.ts';
import { resolveVolume } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';

/** `volume mount` and `volume unmount`: a local volume is a directory and needs neither, a plugin's does. */
export const command: CommandSpec = {
  usage: 'VOLUME [VOLUME...]',
  description:
    'Print where the content of a volume can be seen on this host; unmount lets a plugin take it away again.',
  examples: ['volume mount data', 'ls $(ctr volume mount data)', 'volume unmount data'],
  operands: [1, Number.POSITIVE_INFINITY],
  async run({ host, stdout, commandName }, names) {
    for (const name of names) {
      const volume = resolveVolume(host, name);
      if (commandName === 'volume mount') stdout.write(`${await mountVolume(host, volume)}\n`);
      else {
        await unmountVolume(host, volume);
        stdout.write(`${volume.name}\n`);
      }
    }
    return 0;
  },
};
