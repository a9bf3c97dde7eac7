import { CtrError } from '../base/ctr-error.ts';
import { load } from '../engine/load.ts';
import type { CommandSpec } from './command.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface LoadFlags {
  readonly input?: string;
  readonly quiet?: boolean;
}

export const command: CommandSpec<LoadFlags> = {
  usage: '[options]',
  description: 'Takes archives of `docker save` and of `podman save`, OCI archives and layouts, plain, gzip or zstd.',
  examples: ['load -i alpine.tar', 'load < alpine.tar.gz'],
  operands: [0, 0],
  declare(command) {
    command.option('-i, --input <path>', 'the archive or directory to read').option('-q, --quiet', 'show no progress');
  },
  async run(context, _operands, { input, quiet }) {
    if (input === undefined && context.stdinIsTty) {
      throw new CtrError('USAGE', 'refusing to read an archive from the terminal', {
        hint: 'use -i FILE, or redirect standard input',
      });
    }
    const signal = untilInterrupted();
    const view = quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    try {
      const from = input === undefined ? { fd: 0 } : { path: input };
      const loaded = await load(context.host, from, { progress: copyProgressInto(view), signal });
      view.close();
      for (const { id, names } of loaded) {
        const lines = (names.length > 0 ? names : [id]).map((name) => `Loaded image: ${name}\n`);
        context.stdout.write(lines.join(''));
      }
    } catch (error) {
      view.close();
      throw signal.aborted ? signal.reason : error;
    }
    return 0;
  },
};
