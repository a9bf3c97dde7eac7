import { humanSize } from '../base/units.ts';
import { listContainerEntries } from '../engine/container-list.ts';
import { type ContainerUsage, cpuPercent, readUsage } from '../engine/container-stats.ts';
import { isRunning, readStatus } from '../engine/container-status.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';
import type { Context } from './context.ts';
import { parseInteger } from './flags/size.ts';
import { formatList } from './output/format.ts';

interface StatsFlags {
  readonly all?: boolean;
  readonly format?: string;
  readonly interval: string;
  readonly reset: boolean;
  readonly stream: boolean;
  readonly trunc: boolean;
  readonly latest?: boolean;
}

export const command: CommandSpec<StatsFlags> = {
  usage: '[options] [CONTAINER...]',
  description:
    'Fields for --format: .ID .Name .CPUPerc .MemUsage .MemPerc .NetIO .BlockIO .PIDs. A container without a control\ngroup of its own is measured by the sums over its processes.',
  examples: ['stats', 'stats --no-stream --format json web'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'also containers that do not run')
      .option('--format <template>', 'json, table …, or a Go template')
      .option('-i, --interval <seconds>', 'time between two reports', '5')
      .option('--no-reset', 'do not clear the screen')
      .option('--no-stream', 'one report only')
      .option('--no-trunc', 'show whole IDs')
      .option('-l, --latest', 'the container that was made last');
  },
  async run(context, names, flags) {
    const intervalMs = parseInteger('--interval', flags.interval, 1, 86_400) * 1000;
    const named = names.length > 0 || flags.latest ? namedContainers(context, names, flags) : undefined;
    const chosen = () => named ?? all(context, flags);
    let before = measure(context, chosen());
    tellSums(context, before);
    await pause(flags.stream ? Math.min(1000, intervalMs) : firstIntervalMs);
    for (;;) {
      const now = measure(context, chosen());
      const clear = flags.stream && flags.reset && context.stdout.isTty ? '\x1b[H\x1b[2J' : '';
      context.stdout.write(clear + report(context, before, now, flags));
      if (!flags.stream) return 0;
      before = now;
      await pause(intervalMs);
    }
  },
};

/** Long enough to tell a busy container from an idle one. */
const firstIntervalMs = 500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const all = ({ host }: Context, flags: StatsFlags) =>
  listContainerEntries(host, { all: flags.all ?? false }).entries.map(({ container }) => container);

type Measurements = ReadonlyMap<
  string,
  { readonly container: ContainerRecord; readonly usage: ContainerUsage | undefined }
>;

function measure({ host }: Context, containers: readonly ContainerRecord[]): Measurements {
  return new Map(containers.map((container) => [container.id, { container, usage: readUsage(host, container) }]));
}

function tellSums({ host }: Context, measured: Measurements): void {
  const sums = [...measured.values()].filter(({ usage }) => usage?.source === 'processes');
  if (sums.length === 0) return;
  const names = sums.map(({ container }) => container.name).join(', ');
  host.log.warn(`no control group of its own: figures are sums over the processes of ${names}`);
}

function report(context: Context, before: Measurements, now: Measurements, flags: StatsFlags): string {
  const rows = [...now.values()].map(({ container, usage }) => {
    const first = before.get(container.id)?.usage;
    const cpu = usage && first ? cpuPercent(first, usage) : 0;
    return rowOf(container, usage, cpu, {
      short: flags.trunc,
      isDocker: context.compat === 'docker',
      upMs: upMsOf(context, container),
    });
  });
  return formatList(
    {
      name: 'stats',
      rows,
      defaultFormat:
        'table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
      titles: {
        ...{ CPUPerc: 'CPU %', MemUsage: 'MEM USAGE / LIMIT', MemPerc: 'MEM %', NetIO: 'NET I/O' },
        ...{ BlockIO: 'BLOCK I/O', PIDs: 'PIDS' },
      },
      json: () => rows.map(podmanJson),
    },
    { format: flags.format, compat: context.compat },
  );
}

/** How long it has been running. */
function upMsOf({ host, now }: Context, { id }: ContainerRecord): number {
  const status = readStatus(host, id);
  if (!isRunning(status) || status.startedAt === undefined) return 0;
  return Math.max(0, now().getTime() - Date.parse(status.startedAt));
}

type Row = ReturnType<typeof rowOf>;

function rowOf(
  { id, name }: ContainerRecord,
  usage: ContainerUsage | undefined,
  cpu: number,
  { short, isDocker, upMs }: { readonly short: boolean; readonly isDocker: boolean; readonly upMs: number },
) {
  const size = isDocker ? binarySize : (bytes: number) => humanSize(bytes);
  const pair = (a: number | undefined, b: number | undefined, show = humanSize) => `${show(a ?? 0)} / ${show(b ?? 0)}`;
  const percent = (value: number) => `${value.toFixed(2)}%`;
  const memory = usage ? (usage.memoryBytes / usage.memoryLimitBytes) * 100 : 0;
  const row = {
    BlockIO: pair(usage?.block.readBytes, usage?.block.writtenBytes),
    CPUPerc: percent(cpu),
    Container: short ? id.slice(0, 12) : id,
    ID: short ? id.slice(0, 12) : id,
    MemPerc: percent(memory),
    MemUsage: pair(usage?.memoryBytes, usage?.memoryLimitBytes, size),
    Name: name,
    NetIO: pair(usage?.network.receivedBytes, usage?.network.sentBytes),
    PIDs: String(usage?.pids ?? 0),
  };
  // Podman's other names for templates; JSON keeps to Docker's.
  const bytes = `${usage?.memoryBytes ?? 0}B / ${usage?.memoryLimitBytes ?? 0}B`;
  const average = upMs > 0 ? ((usage?.cpuMicroseconds ?? 0) / (upMs * 1000)) * 100 : 0;
  const others = {
    ContainerID: id,
    MemUsageBytes: bytes,
    PIDS: row.PIDs,
    UpTime: goDuration(upMs),
    AvgCPU: percent(average),
  };
  for (const [field, value] of Object.entries(others)) Object.defineProperty(row, field, { value });
  return row;
}

/** `1h2m3.5s`, as Go prints a time.Duration. */
function goDuration(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000)];
  const seconds = `${(ms % 60_000) / 1000}s`;
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${seconds}`;
}

/** Podman's names in `stats --format json`. */
const podmanJson = (row: Row) => ({
  id: row.ID,
  name: row.Name,
  cpu_percent: row.CPUPerc,
  mem_usage: row.MemUsage,
  mem_percent: row.MemPerc,
  net_io: row.NetIO,
  block_io: row.BlockIO,
  pids: row.PIDs,
});

/** Docker shows memory in units of 1024: `5.5MiB`. */
function binarySize(bytes: number): string {
  const unit = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  return `${Number((bytes / 1024 ** unit).toPrecision(4))}${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}
