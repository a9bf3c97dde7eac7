import { resolveSecret } from '../storage/secret-store.ts';
import type { CommandSpec } from './command.ts';
import { formatOne, indentedJson } from './output/format.ts';
import { secretRow } from './secret-row.ts';

interface SecretInspectFlags {
  readonly format?: string;
  readonly showsecret?: boolean;
}

export const command: CommandSpec<SecretInspectFlags> = {
  usage: '[options] SECRET [SECRET...]',
  examples: ['secret inspect token', "secret inspect --format '{{.Spec.Name}}' token"],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-f, --format <template>', 'a Go template instead of JSON')
      .option('--showsecret', 'show what it keeps, too');
  },
  run({ host, stdout }, names, { format, showsecret }) {
    const rows = names.map((name) => {
      const secret = resolveSecret(host, name);
      const shown = showsecret ? { SecretData: Buffer.from(secret.data, 'base64').toString() } : {};
      return { ...secretRow(secret), ...shown };
    });
    if (format === undefined) stdout.write(indentedJson(rows));
    else for (const row of rows) stdout.write(formatOne('secret inspect', row, format, () => indentedJson(row)));
    return 0;
  },
};
