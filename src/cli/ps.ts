import { CtrError } from '../base/ctr-error.ts';
import { containerFilter, filterKeys } from '../engine/container-filters.ts';
import { type BrokenEntry, type ContainerEntry, createdMs, listContainerEntries } from '../engine/container-list.ts';
import type { ContainerSize } from '../engine/container-size.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter.ts';
import { parseInteger } from './flags/size.ts';
import { parseTime } from './flags/time.ts';
import { formatList } from './output/format.ts';
import { type ContainerRow, containerRow, podmanContainer } from './ps-row.ts';

interface PsFlags {
  readonly all?: boolean;
  readonly filter: readonly string[];
  readonly format?: string;
  readonly last?: string;
  readonly latest?: boolean;
  readonly noheading?: boolean;
  readonly quiet?: boolean;
  readonly size?: boolean;
  readonly sort: string;
  /** False with --no-trunc. */
  readonly trunc: boolean;
  readonly watch?: string;
  readonly pod?: boolean;
  readonly ns?: boolean;
}

export const command: CommandSpec<PsFlags> = {
  usage: '[options]',
  description:
    'Fields for --format: .ID .Image .ImageID .Command .CreatedAt .RunningFor .Status .State .Health .Ports .Names\n.Labels (.Label "key") .Mounts .Networks .Size .Pid .ExitCode .Restarts. Filters: id, name, label, label!, exited,\nstatus, ancestor, before, since, until, volume, network, health, publish, expose, restart-policy, command.',
  examples: ['ps', 'ps -a --filter status=exited', "ps --format '{{.Names}}: {{.Status}}'"],
  operands: [0, 0],
  declare(command) {
    command
      .option('-a, --all', 'also containers that do not run')
      .option('-f, --filter <key=value>', 'only containers for which this holds', collect, [])
      .option('--format <template>', 'json, table …, or a Go template')
      .option('-n, --last <number>', 'the last containers made, whatever they do')
      .option('-l, --latest', 'the last container made')
      .option('--noheading', 'leave out the column titles')
      .option('--no-trunc', 'show whole IDs and commands')
      .option('-q, --quiet', 'show IDs only')
      .option('-s, --size', 'show how much each has written')
      .option('--sort <field>', 'command, created, id, image, names, runningfor, size or status', 'created')
      .option('-w, --watch <seconds>', 'show the list again and again')
      .option('-p, --pod', 'show the pod of each')
      .option('--ns', 'show the namespaces of each: the numbers that /proc/PID/ns has')
      .option('--sync', 'accepted for Podman; the state is always read anew')
      .option('--external', 'accepted for Podman; there are no containers of other tools in the store');
  },
  async run(context, _operands, flags) {
    if (flags.watch === undefined) {
      context.stdout.write(await listing(context, flags));
      return 0;
    }
    const seconds = parseInteger('--watch', flags.watch, 1, 86_400);
    for (;;) {
      const text = await listing(context, flags);
      context.stdout.write(context.stdout.isTty ? `\x1b[H\x1b[2J${text}` : text);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  },
};

async function listing(context: Context, flags: PsFlags): Promise<string> {
  const { entries: chosen, broken } = choose(context, flags);
  const sizes = flags.size || flags.sort === 'size' ? await sizesOf(context, chosen) : undefined;
  const order = orderOf(flags.sort, context, sizes);
  const entries = order ? chosen.toSorted(order) : chosen;
  if (flags.quiet && !flags.format) {
    const ids = [...entries.map(({ container }) => container.id), ...broken.map(({ id }) => id)];
    return ids.map((id) => `${flags.trunc ? id.slice(0, 12) : id}\n`).join('');
  }
  for (const { id, reason } of broken) context.host.log.warn(`container ${id.slice(0, 12)} is broken: ${reason}`);
  return formatList<ContainerRow>(
    {
      name: 'ps',
      rows: entries.map((entry) => containerRow(entry, { context, short: flags.trunc, size: sizes?.get(entry) })),
      defaultFormat: defaultFormat(flags),
      titles: { ID: 'CONTAINER ID', RunningFor: 'CREATED', Created: 'CREATED', Pod: 'POD ID', PodName: 'PODNAME' },
      json: () => entries.map((entry) => podmanContainer(entry, context, sizes?.get(entry))),
    },
    { format: flags.format, noHeading: flags.noheading, compat: context.compat },
  );
}

function defaultFormat({ size, pod, ns }: PsFlags): string {
  const namespaces =
    '{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}';
  const usual = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';
  return `table ${ns ? namespaces : usual}${pod ? '\t{{.Pod}}\t{{.PodName}}' : ''}${size ? '\t{{.Size}}' : ''}`;
}

/** Status and exit code are asked for of containers that have ended, so those filters look at all. */
function choose(context: Context, flags: PsFlags): { entries: ContainerEntry[]; broken: readonly BrokenEntry[] } {
  const filters = new Map(parseFilters(flags.filter, filterKeys));
  const until = filters.get('until');
  if (until)
    filters.set(
      'until',
      until.map((text) => String(parseTime('--filter until', text, context.now()))),
    );
  const last = flags.latest ? 1 : flags.last === undefined ? undefined : parseInteger('--last', flags.last, -1, 1e9);
  const limit = last === undefined || last < 0 ? undefined : last;
  const all = flags.all || limit !== undefined || filters.has('status') || filters.has('exited');
  const { entries, broken } = listContainerEntries(context.host, { all: all ?? false });
  const chosen = filters.size === 0 ? [...entries] : entries.filter(containerFilter(context.host, filters));
  return { entries: limit === undefined ? chosen : chosen.slice(0, limit), broken: filters.size === 0 ? broken : [] };
}

async function sizesOf({ host }: Context, entries: readonly ContainerEntry[]) {
  const { containerSizes } = await import('../engine/container-size.ts');
  const sizes = await containerSizes(
    host,
    entries.map(({ container }) => container),
  );
  return new Map(entries.map((entry, index) => [entry, sizes[index]]));
}

type Sizes = ReadonlyMap<ContainerEntry, ContainerSize | undefined>;
type Order = (a: ContainerEntry, b: ContainerEntry) => number;

const byText = (text: (entry: ContainerEntry) => string): Order => {
  return (a, b) => (text(a) < text(b) ? -1 : Number(text(a) > text(b)));
};
const startedMs = ({ status }: ContainerEntry) => Date.parse(status.startedAt ?? '1970');

const orders: Readonly<Record<string, Order>> = {
  command: byText(({ container }) => container.command.join(' ')),
  id: byText(({ container }) => container.id),
  image: byText(({ container }) => container.imageName ?? ''),
  names: byText(({ container }) => container.name),
  status: byText(({ status }) => status.name),
  runningfor: (a, b) => startedMs(b) - startedMs(a),
};

/** Undefined: as they come. Docker lists the newest first, Podman the oldest. */
function orderOf(field: string, { compat }: Context, sizes: Sizes | undefined): Order | undefined {
  if (field === 'created') return compat === 'docker' ? undefined : (a, b) => createdMs(a) - createdMs(b);
  if (field === 'size') return (a, b) => (sizes?.get(a)?.rwBytes ?? 0) - (sizes?.get(b)?.rwBytes ?? 0);
  const order = Object.hasOwn(orders, field) ? orders[field] : undefined;
  if (order) return order;
  throw new CtrError('USAGE', `cannot sort by ${field}: fields are created, size, ${Object.keys(orders).join(', ')}`);
}
