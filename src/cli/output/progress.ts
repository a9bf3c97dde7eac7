/**
 * Transfers shown to people: on a terminal one line per layer, redrawn at most ten times a second; elsewhere (a log,
 * a dumb terminal) one plain line when a layer begins and ends. Drawing happens on a timer: a report costs a store.
 */
import { humanSize } from '../../base/units.ts';
import type { Output } from '../context.ts';

export interface TransferReport {
  /** What is transferred: a short digest. */
  readonly id: string;
  readonly state: 'waiting' | 'downloading' | 'copying' | 'unpacking' | 'done' | 'exists' | 'failed';
  readonly doneBytes?: number;
  readonly totalBytes?: number | undefined;
}

export interface ProgressView {
  report(transfer: TransferReport): void;
  /** A line of its own, above the bars. */
  say(line: string): void;
  /** Draw the final state and free the terminal. */
  close(): void;
}

export const silentProgress: ProgressView = { report: () => {}, say: () => {}, close: () => {} };

/** Bars or lines on `output`, as `env` (TERM, NO_COLOR) and the kind of output allow. */
export function createProgress(output: Output, env: Readonly<Record<string, string | undefined>>): ProgressView {
  const live = output.isTty && env.TERM !== 'dumb' && env.TERM !== undefined;
  return live ? liveProgress(output, !env.NO_COLOR) : plainProgress(output);
}

const words: Readonly<Record<TransferReport['state'], string>> = {
  waiting: 'waiting',
  downloading: 'downloading',
  copying: 'copying',
  unpacking: 'unpacking',
  done: 'done',
  exists: 'already here',
  failed: 'failed',
};

function plainProgress(output: Output): ProgressView {
  const told = new Map<string, string>();
  return {
    report({ id, state, totalBytes }) {
      if (state === 'waiting' || told.get(id) === state) return;
      told.set(id, state);
      if (state === 'unpacking') return;
      const size = totalBytes === undefined ? '' : ` (${humanSize(totalBytes)})`;
      output.write(`${id}: ${words[state]}${size}\n`);
    },
    say: (line) => output.write(`${line}\n`),
    close: () => {},
  };
}

const drawEveryMs = 100;

function liveProgress(output: Output, colour: boolean): ProgressView {
  const transfers = new Map<string, TransferReport>();
  const said: string[] = [];
  let drawn = 0;
  const draw = () => {
    const width = Math.max(20, (output.size()?.columns ?? 80) - 1);
    const bars = [...transfers.values()].map((transfer) => transferLine(transfer, width, colour));
    const lines = [...said.splice(0), ...bars].map((line) => `\r\x1b[2K${line}\n`);
    output.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${lines.join('')}`);
    drawn = bars.length;
  };
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      draw();
    }, drawEveryMs);
    timer.unref();
  };
  return {
    report(transfer) {
      transfers.set(transfer.id, transfer);
      soon();
    },
    say(line) {
      said.push(line);
      soon();
    },
    close() {
      clearTimeout(timer);
      draw();
    },
  };
}

/** `3fa112fd3642 [=======>        ] 3.1MB/7.8MB downloading`, at most `width` columns. */
export function transferLine(transfer: TransferReport, width: number, colour: boolean): string {
  const { id, state, doneBytes = 0, totalBytes } = transfer;
  const moving = state === 'downloading' || state === 'copying' || state === 'unpacking';
  const bytes =
    moving && totalBytes ? `${humanSize(doneBytes)}/${humanSize(totalBytes)}` : humanSize(totalBytes ?? doneBytes);
  const right = `${bytes.padEnd(15)} ${words[state]}`;
  const room = Math.min(40, width - id.length - right.length - 4);
  if (!moving || !totalBytes || room < 5) return `${id} ${right}`.slice(0, width);
  const filled = Math.min(room, Math.floor((room * doneBytes) / totalBytes));
  const bar = `${'='.repeat(Math.max(0, filled - 1))}${filled > 0 ? '>' : ''}`.padEnd(room);
  return `${id} [${colour ? `\x1b[32m${bar}\x1b[0m` : bar}] ${right}`;
}
