import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { listRemoteTags, searchRegistry } from '../engine/image-copy.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { formatList } from './output/format.ts';

interface SearchFlags extends RegistryFlags {
  readonly format?: string;
  readonly limit: string;
  readonly listTags?: boolean;
}

export const command: CommandSpec<SearchFlags> = {
  usage: '[options] [REGISTRY/]TERM',
  description: 'Lists the repositories of a registry whose names contain TERM. Fields for --format: .Name .Tag.',
  examples: ['search localhost:5000/app', 'search --list-tags localhost:5000/team/app'],
  operands: [1, 1],
  declare(command) {
    command
      .option('--format <template>', 'json, or a Go template')
      .option('--limit <number>', 'show at most so many', '25')
      .option('--list-tags', 'show the tags of a repository')
      .option('--no-trunc', 'accepted for Podman; nothing is cut off');
    declareRegistryFlags(command);
  },
  async run({ host, stdout, compat }, [term = ''], flags) {
    const limit = Number(flags.limit);
    if (!Number.isInteger(limit) || limit < 1) throw new CtrError('USAGE', `invalid --limit ${flags.limit}`);
    const rows = flags.listTags ? await tagRows(host, term, flags) : await repositoryRows(host, term, flags);
    const defaultFormat = flags.listTags ? 'table {{.Name}}\t{{.Tag}}' : 'table {{.Name}}';
    stdout.write(formatList({ name: 'search', rows: rows.slice(0, limit), defaultFormat }, { ...flags, compat }));
    return 0;
  },
};

async function tagRows(host: Host, name: string, flags: SearchFlags) {
  const { repository, tags } = await listRemoteTags(host, name, accessFrom(flags));
  return tags.map((tag) => ({ Name: repository, Tag: tag }));
}

async function repositoryRows(host: Host, term: string, flags: SearchFlags) {
  const names = await searchRegistry(host, term, accessFrom(flags));
  return names.map((name) => ({ Name: name, Tag: '' }));
}
