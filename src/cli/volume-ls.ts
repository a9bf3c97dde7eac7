import { volumeFilter, volumeFilterKeys } from '../engine/volume-filters.ts';
import { inspectVolume } from '../engine/volume-inspect.ts';
import { volumeUsers } from '../engine/volume-use.ts';
import { listVolumes, readVolume, type VolumeRecord } from '../storage/volume-store.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter.ts';
import { parseTime } from './flags/time.ts';
import { formatList } from './output/format.ts';

interface VolumeLsFlags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly noheading?: boolean;
  readonly quiet?: boolean;
}

export const command: CommandSpec<VolumeLsFlags> = {
  usage: '[options]',
  description: `Fields for --format: .Name .Driver .Mountpoint .CreatedAt .Labels .Options .Scope.\nFilters: ${volumeFilterKeys.join(', ')}.`,
  examples: ['volume ls', 'volume ls -q --filter dangling=true', "volume ls --format '{{.Name}}: {{.Mountpoint}}'"],
  operands: [0, 0],
  declare(command) {
    command
      .option('-f, --filter <key=value>', 'show only volumes for which this holds', collect, [])
      .option('--format <template>', 'json, or a Go template')
      .option('-n, --noheading', 'leave out the column titles')
      .option('-q, --quiet', 'show names only');
  },
  async run(context, _operands, { filter, format, noheading, quiet }) {
    const { host, compat } = context;
    const volumes = listVolumes(host).filter(matcherFor(context, filter));
    if (quiet && !format) {
      context.stdout.write(volumes.map(({ name }) => `${name}\n`).join(''));
      return 0;
    }
    const rows = await Promise.all(volumes.map((volume) => inspectVolume(host, volume, compat)));
    const text = formatList(
      {
        name: 'volume ls',
        rows,
        defaultFormat: 'table {{.Driver}}\t{{.Name}}',
        titles: { Name: 'VOLUME NAME' },
      },
      { format, noHeading: noheading, compat },
    );
    context.stdout.write(text);
    return 0;
  },
};

/** Shared with `volume prune`. */
export function matcherFor({ host, now }: Context, filters: readonly string[]): (volume: VolumeRecord) => boolean {
  return volumeFilter(parseFilters(filters, volumeFilterKeys), {
    used: new Set(volumeUsers(host).keys()),
    created: (name) => {
      const volume = readVolume(host, name);
      return volume && Date.parse(volume.createdAt);
    },
    parseTime: (text) => parseTime('--filter', text, now()),
  });
}
