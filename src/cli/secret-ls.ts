import { humanDuration } from '../base/units.ts';
import { listSecrets } from '../storage/secret-store.ts';
import { type CommandSpec, collect } from './command.ts';
import { parseFilters } from './filter.ts';
import { formatList } from './output/format.ts';

interface SecretLsFlags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly noheading?: boolean;
  readonly quiet?: boolean;
}

export const command: CommandSpec<SecretLsFlags> = {
  usage: '[options]',
  description: 'Fields for --format: .ID .Name .Driver .CreatedAt .UpdatedAt.\nFilters: name, id.',
  examples: ['secret ls', 'secret ls -q', "secret ls --format '{{.Name}}'"],
  operands: [0, 0],
  declare(command) {
    command
      .option('-f, --filter <key=value>', 'show only secrets for which this holds', collect, [])
      .option('--format <template>', 'json, or a Go template')
      .option('-n, --noheading', 'leave out the column titles')
      .option('-q, --quiet', 'show IDs only');
  },
  run(context, _operands, { filter, format, noheading, quiet }) {
    const filters = parseFilters(filter, ['name', 'id']);
    const wanted = (key: string, value: string) => {
      const words = filters.get(key) ?? [];
      return words.length === 0 || words.some((word) => (key === 'id' ? value.startsWith(word) : value.includes(word)));
    };
    const secrets = listSecrets(context.host).filter(({ id, name }) => wanted('id', id) && wanted('name', name));
    if (quiet && !format) {
      context.stdout.write(secrets.map(({ id }) => `${id}\n`).join(''));
      return 0;
    }
    const ago = (time: string) => `${humanDuration(Math.max(0, context.now().getTime() - Date.parse(time)))} ago`;
    const rows = secrets.map(({ id, name, createdAt, updatedAt }) => {
      return { ID: id, Name: name, Driver: 'file', CreatedAt: ago(createdAt), UpdatedAt: ago(updatedAt) };
    });
    const defaultFormat = 'table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}';
    const titles = { CreatedAt: 'CREATED', UpdatedAt: 'UPDATED' };
    const list = { name: 'secret ls', rows, defaultFormat, titles };
    context.stdout.write(formatList(list, { format, noHeading: noheading, compat: context.compat }));
    return 0;
  },
};
