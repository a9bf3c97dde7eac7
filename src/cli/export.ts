import { openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { exportContainer } from '../engine/export-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

interface ExportFlags {
  readonly output?: string;
}

export const command: CommandSpec<ExportFlags> = {
  usage: '[options] CONTAINER',
  description: 'Writes the root file system of a container as a tar archive, without volumes.',
  examples: ['export -o web.tar web', 'export web | gzip > web.tar.gz'],
  operands: [1, 1],
  declare(command) {
    command.option('-o, --output <file>', 'write to a file instead of standard output');
  },
  async run({ host, stdout }, [name = ''], { output }) {
    if (output === undefined && stdout.isTty) {
      throw new CtrError('USAGE', 'refusing to write an archive to a terminal', { hint: 'use -o FILE, or a pipe' });
    }
    const container = resolveContainer(host, name);
    await exportContainer(host, container, output === undefined ? stdout.fd : openSync(output, 'w'));
    return 0;
  },
};
