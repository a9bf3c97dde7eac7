import { diffImage } from '../engine/image-diff.ts';
import type { CommandSpec } from './command.ts';
import { flagError } from './flags/flag-error.ts';
import { indentedJson } from './output/format.ts';

interface ImageDiffFlags {
  readonly format?: string;
}

export const command: CommandSpec<ImageDiffFlags> = {
  usage: '[options] IMAGE',
  description: 'Shows what the uppermost layer adds (A), changes (C) and deletes (D) of those below it.',
  examples: ['image diff alpine', 'image diff --format json app:1'],
  operands: [1, 1],
  declare(command) {
    command.option('--format <format>', 'json');
  },
  async run({ host, stdout }, [name = ''], { format }) {
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'want json');
    const changes = await diffImage(host, name);
    const paths = (kind: string) => changes.flatMap((change) => (change.kind === kind ? [change.path] : []));
    stdout.write(
      format === undefined
        ? changes.map(({ kind, path }) => `${kind} ${path}\n`).join('')
        : indentedJson({ changed: paths('C'), added: paths('A'), deleted: paths('D') }),
    );
    return 0;
  },
};
