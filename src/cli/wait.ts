import { CtrError } from '../base/ctr-error.ts';
import { parseDuration } from '../base/units.ts';
import { type WaitCondition, waitConditions, waitForContainer } from '../engine/wait-container.ts';
import { type CommandSpec, collect } from './command.ts';
import { forEachContainer, type SelectionFlags, selectContainers } from './container-operands.ts';
import { flagError } from './flags/flag-error.ts';

interface WaitFlags extends SelectionFlags {
  readonly condition: readonly string[];
  readonly interval: string;
}

export const command: CommandSpec<WaitFlags> = {
  usage: '[options] CONTAINER [CONTAINER...]',
  description: `Wait until containers have ended, and print their exit codes; -1 where another condition was met.\nConditions: ${waitConditions.join(', ')}.`,
  examples: ['wait web', 'wait --condition running web', 'wait --condition healthy --condition stopped db'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('--condition <condition>', 'what to wait for; any of several', collect, [])
      .option('-i, --interval <time>', 'how often to look: milliseconds, or 250ms, 2s', '250ms')
      .option('--ignore', 'containers that are not there are no error')
      .option('-l, --latest', 'the container that was made last');
  },
  run(context, operands, flags) {
    const words = flags.condition.flatMap((text) => text.split(','));
    const conditions = words.length === 0 ? (['stopped'] as const) : words.map(parseCondition);
    const intervalMs = parseInterval(flags.interval);
    const selection = selectContainers(context, operands, flags);
    return forEachContainer(context, selection, async ({ id }) => {
      context.stdout.write(`${await waitForContainer(context.host, id, { conditions, intervalMs })}\n`);
    });
  },
};

function parseCondition(word: string): WaitCondition {
  const condition = waitConditions.find((each) => each === word);
  if (condition) return condition;
  throw new CtrError('USAGE', `unknown condition ${JSON.stringify(word)}: want ${waitConditions.join(', ')}`);
}

function parseInterval(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : parseDuration(text);
  if (ms === undefined || !(ms > 0)) throw flagError('--interval', text, 'want a time above 0, like 250ms');
  return ms;
}
