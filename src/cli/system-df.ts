import { humanDuration, humanSize } from '../base/units.ts';
import { statusText } from '../engine/container-status.ts';
import { shortId } from '../engine/images.ts';
import { type StoreUsage, storeUsage, type UsageClass } from '../engine/system-df.ts';
import { parseReference, repositoryName } from '../oci/reference.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { formatList } from './output/format.ts';

interface SystemDfFlags {
  readonly format?: string;
  readonly verbose?: boolean;
}

export const command: CommandSpec<SystemDfFlags> = {
  usage: '[options]',
  description:
    'The sizes are what `du` counts, and add up to it; hard links count once. Fields for --format: .Type .Total\n.TotalCount .Active .Size .RawSize .Reclaimable .RawReclaimable.',
  examples: ['system df', 'system df -v', "system df --format '{{.Type}} {{.Size}}'"],
  operands: [0, 0],
  declare(command) {
    command
      .option('--format <template>', 'json, or a Go template')
      .option('-v, --verbose', 'show every image, container and volume');
  },
  async run(context, _operands, { format, verbose }) {
    const usage = await storeUsage(context.host);
    const { compat, stdout } = context;
    if (verbose && !format) {
      stdout.write(
        `${imagesTable(usage, context)}\n${containersTable(usage, context)}\n${volumesTable(usage, context)}`,
      );
      return 0;
    }
    stdout.write(formatList({ name: 'df', rows: rowsOf(usage), defaultFormat }, { format, compat }));
    return 0;
  },
};

const defaultFormat = 'table {{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}';

const rowsOf = ({ images, containers, volumes, other }: StoreUsage) => [
  rowOf('Images', images),
  rowOf('Containers', containers),
  rowOf('Local Volumes', volumes),
  rowOf('Other', other),
];

function rowOf(type: string, { total, active, bytes, reclaimableBytes }: UsageClass) {
  const percent = bytes === 0 ? 0 : Math.round((100 * Math.min(reclaimableBytes, bytes)) / bytes);
  return {
    Type: type,
    Total: total,
    TotalCount: String(total),
    Active: active,
    Size: humanSize(bytes),
    RawSize: bytes,
    Reclaimable: `${humanSize(reclaimableBytes)} (${percent}%)`,
    RawReclaimable: reclaimableBytes,
  };
}

function imagesTable({ perImage }: StoreUsage, { compat, now }: Context): string {
  const rows = perImage.flatMap(({ summary, bytes, sharedBytes, containers }) => {
    const { image, names } = summary;
    const created = image.createdAt ? `${humanDuration(now().getTime() - Date.parse(image.createdAt))} ago` : 'N/A';
    const sizes = {
      Size: humanSize(bytes),
      SharedSize: humanSize(sharedBytes),
      UniqueSize: humanSize(bytes - sharedBytes),
    };
    return (names.length > 0 ? names : ['<none>']).map((name) => ({
      Repository: name === '<none>' ? name : repositoryName(parseReference(name)),
      Tag: name === '<none>' ? name : (parseReference(name).tag ?? ''),
      ImageID: shortId(image.id),
      Created: created,
      ...sizes,
      Containers: containers,
    }));
  });
  const columns = 'Repository Tag ImageID Created Size SharedSize UniqueSize Containers';
  return `Images space usage:\n\n${table('images', rows, columns, compat)}`;
}

function containersTable({ perContainer }: StoreUsage, { compat, now }: Context): string {
  const rows = perContainer.map(({ entry: { container, status }, bytes, volumes }) => ({
    ContainerID: container.id.slice(0, 12),
    Image: container.imageName ?? '',
    Command: container.command.join(' ').slice(0, 20),
    LocalVolumes: volumes,
    Size: humanSize(bytes),
    Created: `${humanDuration(now().getTime() - Date.parse(container.createdAt))} ago`,
    Status: statusText(status, now(), compat),
    Names: container.name,
  }));
  const columns = 'ContainerID Image Command LocalVolumes Size Created Status Names';
  return `Containers space usage:\n\n${table('containers', rows, columns, compat)}`;
}

function volumesTable({ perVolume }: StoreUsage, { compat }: Context): string {
  const rows = perVolume.map(({ volume, bytes, users }) => ({
    VolumeName: volume.name,
    Links: users,
    Size: humanSize(bytes),
  }));
  return `Local Volumes space usage:\n\n${table('volumes', rows, 'VolumeName Links Size', compat)}`;
}

function table(name: string, rows: readonly object[], columns: string, compat: Context['compat']): string {
  const fields = columns.split(' ').map((column) => `{{.${column}}}`);
  return formatList({ name, rows, defaultFormat: `table ${fields.join('\\t')}` }, { compat });
}
