import { closeSync, openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { exportVolume } from '../engine/volume-verbs.ts';
import { resolveVolume } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';

interface VolumeExportFlags {
  readonly output?: string;
}

export const command: CommandSpec<VolumeExportFlags> = {
  usage: '[options] VOLUME',
  description: 'Write the content of a volume as a tar archive; owners are those that containers see.',
  examples: ['volume export --output data.tar data', 'volume export data | zstd > data.tar.zst'],
  operands: [1, 1],
  declare: (command) => void command.option('-o, --output <file>', 'write to a file instead of standard output'),
  async run({ host, stdout }, [name = ''], { output }) {
    const volume = resolveVolume(host, name);
    if (output === undefined) {
      if (stdout.isTty) throw new CtrError('USAGE', 'a tar archive is not for a terminal: give --output FILE');
      await exportVolume(host, volume, stdout.fd);
      return 0;
    }
    const fd = openSync(output, 'w');
    try {
      await exportVolume(host, volume, fd);
    } finally {
      closeSync(fd);
    }
    return 0;
  },
};
