/** HEALTHCHECK (reference): `NONE`, or `[flags] CMD command`. */
import { parseDuration } from '../base/units.ts';
import { type Arguments, commandOf } from './arguments.ts';
import { checkFlags, type FlagValues } from './flags.ts';
import type { HealthcheckInstruction } from './instruction.ts';

const kinds = {
  interval: 'string',
  timeout: 'string',
  'start-period': 'string',
  'start-interval': 'string',
  retries: 'string',
} as const;

export function parseHealthcheck(args: Arguments): HealthcheckInstruction {
  const { line, keyword, base, rest } = args;
  const flags = checkFlags(line, args.flags, kinds, keyword);
  const word = /^\S*/.exec(rest.text)?.[0] ?? '';
  const token = { start: rest.start, end: rest.start + word.length };
  const behind = rest.text.slice(word.length).trimStart();
  if (word === '') throw line.error('HEALTHCHECK needs CMD or NONE');
  if (word.toUpperCase() === 'NONE') {
    if (behind !== '') throw line.error('HEALTHCHECK NONE takes no arguments', { start: token.end + 1, end: rest.end });
    return { kind: 'healthcheck', ...base };
  }
  if (word.toUpperCase() !== 'CMD') {
    throw line.error(
      `HEALTHCHECK takes CMD or NONE, not ${JSON.stringify(word)}`,
      token,
      'write HEALTHCHECK CMD command',
    );
  }
  const command = commandOf({ ...args, rest: { text: behind, start: rest.end - behind.length, end: rest.end } });
  if (behind === '' || (command.form === 'exec' && command.words.length === 0)) {
    throw line.error('HEALTHCHECK CMD needs a command', token);
  }
  return { kind: 'healthcheck', ...base, command, ...times(args, flags) };
}

function times(args: Arguments, flags: FlagValues): Partial<HealthcheckInstruction> {
  const intervalNs = durationNs(args, flags, 'interval');
  const timeoutNs = durationNs(args, flags, 'timeout');
  const startPeriodNs = durationNs(args, flags, 'start-period');
  const startIntervalNs = durationNs(args, flags, 'start-interval');
  const retries = retriesOf(args, flags);
  return {
    ...(intervalNs ? { intervalNs } : {}),
    ...(timeoutNs ? { timeoutNs } : {}),
    ...(startPeriodNs ? { startPeriodNs } : {}),
    ...(startIntervalNs ? { startIntervalNs } : {}),
    ...(retries ? { retries } : {}),
  };
}

/** Docker's least is a millisecond; zero means inherited. */
function durationNs({ line }: Arguments, flags: FlagValues, name: string): number | undefined {
  const text = flags.string(name);
  if (text === undefined) return undefined;
  const durationMs = parseDuration(text);
  if (durationMs === undefined) {
    throw line.error(
      `--${name}: invalid duration ${JSON.stringify(text)}`,
      flags.token(name),
      'write 30s, 1m30s, 500ms',
    );
  }
  if (durationMs !== 0 && durationMs < 1) throw line.error(`--${name} is at least 1ms`, flags.token(name));
  return Math.round(durationMs * 1e6);
}

function retriesOf({ line }: Arguments, flags: FlagValues): number | undefined {
  const text = flags.string('retries');
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw line.error(`--retries is a number, not ${JSON.stringify(text)}`, flags.token('retries'));
}
