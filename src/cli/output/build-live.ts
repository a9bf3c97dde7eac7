/**
 * Draws build-tree.ts on a terminal ten times a second. Each frame is one write, which goes up over the last one; the
 * cursor is never hidden and no mode is set, so that nothing has to be restored, even after kill -9.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Output } from '../context.ts';
import { finishedLine, mostTailLines, type RunningStep, runningLines, summaryLine } from './build-tree.ts';
import type { BuildProgress } from './build-view.ts';
import { LineBuffer } from './line-buffer.ts';
import { textWidth, visibleLine } from './terminal-text.ts';

const drawEveryMs = 100;

interface Running extends Omit<RunningStep, 'tail'> {
  lines: string[];
  /** A progress bar is a line that does not end. */
  readonly open: LineBuffer;
}

export function liveBuild(output: Output, env: Readonly<Record<string, string | undefined>>): BuildProgress {
  const beganMs = performance.now();
  const running = new Map<number, Running>();
  /** Lines that stay, not written yet. */
  const staying: string[] = [];
  let [finished, cached] = [0, 0];
  let drawn: string[] = [];
  let isClosed = false;
  const frame = () => ({ nowMs: performance.now(), ...sizeOf(output, env), colour: !env.NO_COLOR });
  const tree = () => ({ beganMs, running: [...running.values()].map(withTail), finished, cached });
  /** Over the last frame; `lines` is the next one. */
  const draw = (lines: string[]) => {
    if (lines.length === 0 && drawn.length === 0 && staying.length === 0) return;
    const up = rowsOf(drawn, frame().columns);
    const text = [...staying.splice(0), ...lines].map((line) => `${line}\x1b[K\n`).join('');
    output.write(`\r${up > 0 ? `\x1b[${up}A` : ''}\x1b[J${text}`);
    drawn = lines;
  };
  const timer = setInterval(() => draw(runningLines(tree(), frame())), drawEveryMs);
  timer.unref();
  return {
    began: (step) => void running.set(step.id, { step, beganMs: performance.now(), lines: [], open: new LineBuffer() }),
    output: ({ id }, _stream, bytes) => {
      const step = running.get(id);
      if (!step) return;
      step.lines = [...step.lines, ...step.open.push(bytes).filter(isVisible)].slice(-mostTailLines);
    },
    ended: (step, how, ms) => {
      running.delete(step.id);
      finished++;
      if (how === 'cached') cached++;
      staying.push(finishedLine(step, how, ms, frame()));
    },
    warning: (text) => void staying.push(`warning: ${visibleLine(text)}`),
    close: () => {
      if (isClosed) return;
      isClosed = true;
      clearInterval(timer);
      if (finished > 0) staying.push(summaryLine(tree(), frame()));
      draw([]);
    },
  };
}

const isVisible = (line: string) => visibleLine(line).trim() !== '';

function withTail({ step, beganMs, lines, open }: Running): RunningStep {
  return { step, beganMs, tail: [...lines, ...[open.unended].filter(isVisible)].slice(-mostTailLines) };
}

/** COLUMNS of the environment wins over the terminal's size, as in ncurses. */
function sizeOf(output: Output, env: Readonly<Record<string, string | undefined>>) {
  const wanted = /^[1-9]\d{0,3}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : undefined;
  const size = output.size();
  return { columns: Math.max(20, wanted ?? size?.columns ?? 80), rows: Math.max(4, size?.rows ?? 24) };
}

/** A terminal that became narrower has broken the lines of the last frame. */
function rowsOf(lines: readonly string[], columns: number): number {
  const widths = lines.map((line) => textWidth(stripVTControlCharacters(line)));
  return widths.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
}
