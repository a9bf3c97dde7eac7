/**
 * What a build looks like on a terminal, as a pure function: a line that stays for each finished step, and below them
 * what is drawn again and again: a summary, the running steps with their times and the last lines of their output.
 */
import type { BuildStepInfo, StepEnd } from '../../engine/build/build-events.ts';
import { cutToWidth, textWidth, visibleLine } from './terminal-text.ts';

export interface RunningStep {
  readonly step: BuildStepInfo;
  readonly beganMs: number;
  /** Its last lines of output, without the line breaks. */
  readonly tail: readonly string[];
}

export interface BuildTree {
  readonly beganMs: number;
  readonly running: readonly RunningStep[];
  readonly finished: number;
  readonly cached: number;
}

export interface Frame {
  readonly nowMs: number;
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

/** Lines of output that are shown of one running step. */
export const mostTailLines = 6;

/** At most `rows - 1` lines, each narrower than the terminal. */
export function runningLines(tree: BuildTree, frame: Frame): string[] {
  const room = Math.max(1, frame.rows - 2);
  const shown = tree.running.slice(0, tree.running.length > room ? room - 1 : room);
  const hidden = tree.running.length - shown.length;
  const tailRoom = Math.floor((room - tree.running.length) / Math.max(1, shown.length));
  const tailLines = Math.max(0, Math.min(mostTailLines, tailRoom));
  return [
    summaryLine(tree, frame),
    ...shown.flatMap((step) => [
      stepLine('', step.step, frame.nowMs - step.beganMs, frame),
      ...step.tail.slice(tailLines === 0 ? step.tail.length : -tailLines).map((line) => tailLine(line, frame)),
    ]),
    ...(hidden > 0 ? [cutToWidth(`${indent}and ${hidden} more`, frame.columns - 1)] : []),
  ];
}

export function finishedLine(step: BuildStepInfo, how: StepEnd, ms: number, frame: Omit<Frame, 'nowMs'>): string {
  return stepLine(endWords[how], step, how === 'cached' ? undefined : ms, frame);
}

const endWords = { done: 'DONE', cached: 'CACHED', failed: 'ERROR', canceled: 'CANCELED' } as const;

export function summaryLine({ beganMs, running, finished, cached }: BuildTree, { nowMs, columns }: Frame): string {
  const steps = `${finished} step${finished === 1 ? '' : 's'} finished`;
  const words = [
    cached > 0 ? `${steps} (${cached} cached)` : steps,
    ...(running.length > 0 ? [`${running.length} running`] : []),
  ];
  return cutToWidth(`[+] ${seconds(nowMs - beganMs)}: ${words.join(', ')}`, columns - 1);
}

const indent = ' '.repeat('=> CANCELED '.length);

/** `=> DONE     [build 2/5] RUN make      1.2s`, the time at the right. */
function stepLine(
  word: string,
  { place, text }: BuildStepInfo,
  ms: number | undefined,
  { columns, colour }: Omit<Frame, 'nowMs'>,
): string {
  const time = ms === undefined ? '' : ` ${seconds(ms)}`;
  const room = columns - 1 - time.length;
  const line = cutToWidth(visibleLine(`${`=> ${word}`.padEnd(indent.length)}[${place}] ${text}`), room);
  const padded = time === '' ? line : `${line}${' '.repeat(Math.max(0, room - textWidth(line)))}${time}`;
  const shade = colour ? shades[word] : undefined;
  return shade === undefined ? padded : `\x1b[${shade}m${padded}\x1b[0m`;
}

/** SGR: green, blue and red, dim. */
const shades: Readonly<Record<string, string>> = { DONE: '32', CACHED: '34', ERROR: '31', CANCELED: '2' };

function tailLine(text: string, { columns, colour }: Frame): string {
  const line = cutToWidth(`${indent}| ${visibleLine(text)}`, columns - 1);
  return colour ? `\x1b[2m${line}\x1b[0m` : line;
}

function seconds(ms: number): string {
  if (ms < 60_000) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  const whole = Math.floor(ms / 1000);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}
