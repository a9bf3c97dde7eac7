import { closeSync, openSync } from 'node:fs';
import { importVolume } from '../engine/volume-verbs.ts';
import { resolveVolume } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'VOLUME [FILE|-]',
  description: 'Add the content of a tar archive to a volume; without a file, or with -, from standard input.',
  examples: ['volume import data data.tar', 'volume import data - < data.tar'],
  operands: [1, 2],
  async run({ host }, [name = '', file = '-']) {
    const volume = resolveVolume(host, name);
    const fd = file === '-' ? 0 : openSync(file, 'r');
    try {
      await importVolume(host, volume, fd);
    } finally {
      if (fd !== 0) closeSync(fd);
    }
    return 0;
  },
};
