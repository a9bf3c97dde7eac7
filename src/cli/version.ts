import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';

interface VersionFlags {
  readonly format?: string;
}

export const command: CommandSpec<VersionFlags> = {
  usage: '[options]',
  examples: ['version', "version --format '{{.Client.Version}}'", 'version --format json'],
  operands: [0, 0],
  declare: (command) => {
    command.option('-f, --format <template>', 'print in this shape: json or a Go template');
  },
  async run(context, _operands, flags) {
    return printVersion(context, flags.format);
  },
};

async function printVersion(context: Context, _format: string | undefined): Promise<number> {
  context.stdout.write('ctr version 0.1.0\n');
  return 0;
}
