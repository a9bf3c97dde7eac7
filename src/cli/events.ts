import { CtrError } from '../base/ctr-error.ts';
import { sleep } from '../base/sleep.ts';
import { eventFilter, eventFilterKeys } from '../engine/event-filters.ts';
import { type Event, EventReader } from '../storage/event-log.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { eventRow } from './event-row.ts';
import { parseFilters } from './filter.ts';
import { parseTime } from './flags/time.ts';
import { formatOne } from './output/format.ts';

interface EventsFlags {
  readonly filter: readonly string[];
  readonly format?: string;
  readonly since?: string;
  readonly until?: string;
  readonly stream?: boolean;
  /** False with --no-trunc. */
  readonly trunc: boolean;
}

export const command: CommandSpec<EventsFlags> = {
  usage: '[options]',
  description:
    'Fields for --format: .Time .Type .Status .ID .Name .Image .ContainerExitCode .Attributes. Filters: container, event,\nimage, label, type. Without --since only what happens from now on.',
  examples: ['events', 'events --since 10m --until 0s --filter event=died', 'events --stream=false --format json'],
  operands: [0, 0],
  declare(command) {
    command
      .option('-f, --filter <key=value>', 'only events for which this holds', collect, [])
      .option('--format <template>', 'json, or a Go template')
      .option('--since <time>', 'from then on: a duration back from now, or a time')
      .option('--until <time>', 'until then')
      .option('--stream', 'go on with what happens; =false: what is known, and leave', true)
      .option('--no-trunc', 'show whole IDs (the default)');
  },
  async run(context, _operands, flags) {
    const now = context.now();
    const untilMs = flags.until === undefined ? undefined : parseUntil(flags.until, now);
    const isStreaming = flags.stream !== false && !(untilMs !== undefined && untilMs <= now.getTime());
    const sinceMs =
      flags.since === undefined ? (isStreaming ? now.getTime() : 0) : parseTime('--since', flags.since, now);
    const matches = eventFilter(parseFilters(flags.filter, eventFilterKeys));
    const reader = new EventReader(context.host);
    for (;;) {
      // Before the look into the file: what was written until then is in it.
      const isLast = !isStreaming || (untilMs !== undefined && Date.now() > untilMs);
      for (const event of reader.next()) {
        const time = Date.parse(event.time);
        if (time < sinceMs || (untilMs !== undefined && time > untilMs) || !matches(event)) continue;
        context.stdout.write(lineOf(event, context, flags));
      }
      if (isLast) return 0;
      await sleep(100);
    }
  },
};

/** A duration is in the future here: `--until 10s` shows what happens in ten seconds' time (podman-events(1)). */
function parseUntil(text: string, now: Date): number {
  const at = parseTime('--until', text, now);
  return /^[\d.]+(ns|us|µs|ms|s|m|h)/.test(text) ? 2 * now.getTime() - at : at;
}

function lineOf(event: Event, { compat }: Context, { format, trunc }: EventsFlags): string {
  const id = trunc ? event.id : event.id.slice(0, 12);
  if (format === '') throw new CtrError('USAGE', '--format wants json or a Go template');
  return formatOne('events', eventRow(event, compat, id), format, () => `${sentence(event, id)}\n`);
}

/** `2024-05-01 10:00:00.123 +0000 UTC container died <id> (image=…, name=…, key=value)`. */
function sentence(event: Event, id: string): string {
  const details = [
    ...(event.image === undefined ? [] : [['image', event.image]]),
    ['name', event.name],
    ...(event.exitCode === undefined ? [] : [['containerExitCode', String(event.exitCode)]]),
    ...Object.entries(event.attributes),
  ];
  const time = event.time.replace('T', ' ').replace('Z', ' +0000 UTC');
  return `${time} ${event.type} ${event.status} ${id} (${details.map((pair) => pair.join('=')).join(', ')})`;
}
