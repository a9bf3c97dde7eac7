import { repairNetworks } from '../engine/bridge-network.ts';
import { networkFilter, networkFilterKeys } from '../engine/network-filters.ts';
import { inspectNetwork } from '../engine/network-inspect.ts';
import { networkUsers } from '../engine/network-verbs.ts';
import { listNetworks, type NetworkRecord } from '../storage/network-store.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter.ts';
import { parseTime } from './flags/time.ts';
import { formatList } from './output/format.ts';

interface NetworkLsFlags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly noheading?: boolean;
  readonly quiet?: boolean;
  readonly trunc: boolean;
}

export const command: CommandSpec<NetworkLsFlags> = {
  usage: '[options]',
  description: `Fields for --format: .ID .Name .Driver .Scope .Labels .Created .IPv6 .Internal.\nFilters: ${networkFilterKeys.join(', ')}.`,
  examples: ['network ls', 'network ls -q --filter label=team=db', "network ls --format '{{.Name}}: {{.Driver}}'"],
  operands: [0, 0],
  declare(command) {
    command
      .option('-f, --filter <key=value>', 'show only networks for which this holds', collect, [])
      .option('--format <template>', 'json, or a Go template')
      .option('-n, --noheading', 'leave out the column titles')
      .option('--no-trunc', 'show whole IDs')
      .option('-q, --quiet', 'show names only');
  },
  async run(context, _operands, { filter, format, noheading, quiet, trunc }) {
    const { host, compat, stdout } = context;
    await repairNetworks(host);
    const networks = listNetworks(host).filter(matcherFor(context, filter));
    if (quiet && !format) {
      stdout.write(networks.map(({ name, id }) => `${compat === 'docker' ? id.slice(0, 12) : name}\n`).join(''));
      return 0;
    }
    const text = formatList(
      {
        name: 'network ls',
        rows: networks.map((network) => rowOf(network, trunc)),
        defaultFormat:
          compat === 'docker'
            ? 'table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}'
            : 'table {{.ID}}\t{{.Name}}\t{{.Driver}}',
        titles: { ID: 'NETWORK ID' },
        json: () => networks.map((network) => inspectNetwork(host, network, compat)),
      },
      { format, noHeading: noheading, compat },
    );
    stdout.write(text);
    return 0;
  },
};

/** Docker prints every field as text. */
function rowOf(network: NetworkRecord, isCut: boolean) {
  return {
    ID: isCut ? network.id.slice(0, 12) : network.id,
    Name: network.name,
    Driver: network.driver,
    Scope: 'local',
    Created: network.created,
    IPv6: String(network.ipv6_enabled),
    Internal: String(network.internal),
    Labels: Object.entries(network.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  };
}

/** Shared with `network prune`. */
export function matcherFor({ host, now }: Context, filters: readonly string[]): (network: NetworkRecord) => boolean {
  return networkFilter(parseFilters(filters, networkFilterKeys), {
    isUsed: (network) => networkUsers(host, network).length > 0,
    parseTime: (text) => parseTime('--filter', text, now()),
  });
}
