/** Frames of a log as `ctr logs` shows them: plain bytes, or lines with time and name in front. */
import type { LogFrame } from '../../storage/log-frames.ts';
import type { Output } from '../context.ts';

export interface LogStyle {
  readonly timestamps: boolean;
  /** In front of each line. */
  readonly name?: string | undefined;
  /** The SGR number of a colour. */
  readonly color?: number | undefined;
}

export interface LogOutputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Returns the function that prints one frame; it remembers for each stream whether a line is open. */
export function logPrinter({ stdout, stderr }: LogOutputs, style: LogStyle): (frame: LogFrame) => void {
  const isPlain = !style.timestamps && style.name === undefined && style.color === undefined;
  const openLines = new Set<number>();
  return (frame) => {
    const output = frame.stream === 2 ? stderr : stdout;
    if (isPlain) return output.write(frame.payload);
    const prefix = Buffer.from(prefixOf(frame, style));
    const pieces: Uint8Array[] = [];
    for (const line of linesOf(frame.payload)) {
      if (!openLines.has(frame.stream)) pieces.push(prefix);
      pieces.push(line);
      if (line.at(-1) === newline) openLines.delete(frame.stream);
      else openLines.add(frame.stream);
    }
    const text = Buffer.concat(pieces);
    output.write(style.color === undefined ? text : colored(text, style.color));
  };
}

const newline = 10;

function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(newline, from);
    const next = end === -1 ? bytes.length : end + 1;
    yield bytes.subarray(from, next);
    from = next;
  }
}

function prefixOf(frame: LogFrame, { timestamps, name }: LogStyle): string {
  const words = [...(name === undefined ? [] : [name]), ...(timestamps ? [frameTime(frame)] : [])];
  return words.map((word) => `${word} `).join('');
}

/** RFC 3339 with nanoseconds, as Docker prints it. */
export function frameTime({ seconds, nanoseconds }: Pick<LogFrame, 'seconds' | 'nanoseconds'>): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}

const colored = (text: Uint8Array, color: number) =>
  Buffer.concat([Buffer.from(`\x1b[${color}m`), text, Buffer.from('\x1b[0m')]);
