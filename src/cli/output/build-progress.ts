/** What a build shows on standard error: a live tree on a terminal, else lines with the step's number; or JSON; or nothing. */
import type { BuildStepInfo, BuildWatch } from '../../engine/build/build-events.ts';
import type { Output } from '../context.ts';
import { liveBuild } from './build-live.ts';
import type { BuildProgress } from './build-view.ts';
import { LineBuffer } from './line-buffer.ts';

export type ProgressStyle = 'tty' | 'plain' | 'rawjson' | 'quiet';

type Env = Readonly<Record<string, string | undefined>>;

export function buildProgress(style: ProgressStyle, stderr: Output, env: Env): BuildProgress {
  if (style === 'tty') return withFailure(liveBuild(stderr, env), stderr, () => true);
  const write = (text: string) => stderr.write(text);
  if (style === 'rawjson') return { ...jsonProgress(write), close: () => {} };
  if (style === 'quiet') return withFailure({ ...silent, close: () => {} }, stderr, () => true);
  const plain = plainProgress(write);
  return withFailure({ ...plain, close: () => {} }, stderr, plain.isMixed);
}

const silent: BuildWatch = { began: () => {}, output: () => {}, ended: () => {}, warning: () => {} };

/** How much of a failed step's output is repeated. */
const tailLines = 30;

/** Shows again, at the end, what the first step that failed said last, unless it stands right above. */
function withFailure(view: BuildProgress, stderr: Output, isUnseen: (id: number) => boolean): BuildProgress {
  const said = new Map<number, { lines: string[]; readonly open: LineBuffer }>();
  let failed: { readonly step: BuildStepInfo; readonly lines: readonly string[] } | undefined;
  return {
    ...view,
    output: (step, stream, bytes) => {
      const kept = said.get(step.id) ?? { lines: [], open: new LineBuffer() };
      said.set(step.id, kept);
      kept.lines = [...kept.lines, ...kept.open.push(bytes)].slice(-tailLines);
      view.output(step, stream, bytes);
    },
    ended: (step, how, ms) => {
      const kept = said.get(step.id);
      said.delete(step.id);
      if (how === 'failed' && kept) failed ??= { step, lines: [...kept.lines, kept.open.rest()].filter(isText) };
      view.ended(step, how, ms);
    },
    close: () => {
      view.close();
      if (!failed || failed.lines.length === 0 || !isUnseen(failed.step.id)) return;
      const { step, lines } = failed;
      failed = undefined;
      stderr.write(`> [${step.place}] ${step.text}:\n${lines.map((line) => `${line}\n`).join('')}`);
    },
  };
}

const isText = (line: string) => line !== '';

function plainProgress(write: (text: string) => void): BuildWatch & { isMixed(id: number): boolean } {
  const open = new Map<number, LineBuffer>();
  /** Whose output came last, and which steps' output has that of another one behind it. */
  let last = 0;
  const mixed = new Set<number>();
  const line = (id: number, text: string) => {
    if (last !== id) mixed.add(last);
    last = id;
    write(`#${id} ${text}\n`);
  };
  return {
    began: ({ id, place, text }) => line(id, `[${place}] ${text}`),
    output: ({ id }, _stream, bytes) => {
      const lines = open.get(id) ?? new LineBuffer();
      open.set(id, lines);
      for (const each of lines.push(bytes)) line(id, each);
    },
    ended: ({ id }, how, ms) => {
      const rest = open.get(id)?.rest() ?? '';
      open.delete(id);
      if (rest !== '') line(id, rest);
      const words = { done: 'DONE', failed: 'ERROR', canceled: 'CANCELED' };
      line(id, how === 'cached' ? 'CACHED' : `${words[how]} ${(ms / 1000).toFixed(1)}s`);
    },
    warning: (text) => write(`warning: ${text}\n`),
    isMixed: (id) => mixed.has(id),
  };
}

function jsonProgress(write: (text: string) => void): BuildWatch {
  const send = (event: object) => write(`${JSON.stringify(event)}\n`);
  return {
    began: (step) => send({ event: 'began', ...step }),
    output: ({ id }, stream, bytes) => send({ event: 'output', id, stream, data: bytes.toString('base64') }),
    ended: ({ id }, how, ms) => send({ event: how, id, ms: Math.round(ms) }),
    warning: (message) => send({ event: 'warning', message }),
  };
}
