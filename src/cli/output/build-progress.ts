/** What a build shows on standard error: lines with the step's number, JSON objects, or nothing. */
import type { BuildStepInfo, BuildWatch } from '../../engine/build/build-events.ts';
import type { Output } from '../context.ts';

export type ProgressStyle = 'plain' | 'rawjson' | 'quiet';

export interface BuildProgress extends BuildWatch {
  /** What the steps that failed said, if nobody has seen it. */
  unseen(): string;
}

export function buildProgress(style: ProgressStyle, stderr: Output): BuildProgress {
  const said = new Map<number, Buffer[]>();
  const remember = (step: BuildStepInfo, bytes: Buffer) => {
    const kept = said.get(step.id) ?? [];
    kept.push(bytes);
    said.set(step.id, kept.slice(-200));
  };
  let failed: number | undefined;
  const ended: BuildWatch['ended'] = ({ id }, how) => {
    if (how === 'failed') failed ??= id;
    else said.delete(id);
  };
  if (style === 'quiet') {
    return {
      began: () => {},
      output: (step, _stream, bytes) => remember(step, bytes),
      ended,
      warning: () => {},
      unseen: () => (failed === undefined ? '' : Buffer.concat(said.get(failed) ?? []).toString()),
    };
  }
  return { ...(style === 'plain' ? plainProgress(stderr) : jsonProgress(stderr)), unseen: () => '' };
}

function plainProgress(stderr: Output): BuildWatch {
  const open = new Map<number, string>();
  const line = (id: number, text: string) => stderr.write(`#${id} ${text}\n`);
  const flush = (id: number) => {
    const rest = open.get(id);
    if (rest) line(id, rest);
    open.delete(id);
  };
  return {
    began: ({ id, place, text }) => line(id, `[${place}] ${text}`),
    output: ({ id }, _stream, bytes) => {
      const lines = ((open.get(id) ?? '') + bytes.toString()).split('\n');
      open.set(id, lines.pop() ?? '');
      for (const each of lines) line(id, each);
    },
    ended: ({ id }, how, ms) => {
      flush(id);
      line(id, how === 'cached' ? 'CACHED' : `${how === 'done' ? 'DONE' : 'ERROR'} ${(ms / 1000).toFixed(1)}s`);
    },
    warning: (text) => stderr.write(`warning: ${text}\n`),
  };
}

function jsonProgress(stderr: Output): BuildWatch {
  const write = (event: object) => stderr.write(`${JSON.stringify(event)}\n`);
  return {
    began: (step) => write({ event: 'began', ...step }),
    output: ({ id }, stream, bytes) => write({ event: 'output', id, stream, data: bytes.toString('base64') }),
    ended: ({ id }, how, ms) => write({ event: how, id, ms: Math.round(ms) }),
    warning: (message) => write({ event: 'warning', message }),
  };
}
