/**
 * The steps of a build as values, where a Dockerfile would be pieced together from strings. Each is one instruction; values
 * are quoted, so that what a program puts in is never read as syntax. Dockerfile reference
 */
import { CtrError } from '../base/ctr-error.ts';

export interface Step {
  /** The line of a Dockerfile. */
  readonly instruction: string;
}

export interface CopyOptions {
  /** A stage's name, or an image. */
  readonly from?: string;
  readonly chown?: string;
  readonly chmod?: string;
}

export interface RunStepOptions {
  /** `type=cache,target=/var/cache/apt`, `type=secret,id=key`. */
  readonly mounts?: readonly string[];
  readonly network?: 'default' | 'none' | 'host';
}

const step = (instruction: string): Step => ({ instruction });
const words = (list: readonly string[]) => JSON.stringify(list);

export const steps = {
  /** Begin a stage; `as` gives it a name. */
  from: (image: string, as?: string): Step => step(`FROM ${word(image)}${as === undefined ? '' : ` AS ${word(as)}`}`),
  /** A shell's command line, or a program and its arguments. */
  run: (command: string | readonly string[], { mounts = [], network }: RunStepOptions = {}): Step => {
    const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    const flags = [...mounts.map((mount) => `--mount=${word(mount)} `), network ? `--network=${network} ` : ''].join(
      '',
    );
    return step(`RUN ${flags}${words(argv)}`);
  },
  copy: (source: string | readonly string[], target: string, options: CopyOptions = {}): Step => {
    const flags = Object.entries(options).flatMap(([name, value]) => (value ? [`--${name}=${word(value)} `] : []));
    return step(`COPY ${flags.join('')}${words([...[source].flat(), target].map(literal))}`);
  },
  env: (variables: Readonly<Record<string, string>>): Step => step(`ENV ${pairs(variables)}`),
  label: (labels: Readonly<Record<string, string>>): Step => step(`LABEL ${pairs(labels)}`),
  workdir: (path: string): Step => step(`WORKDIR "${quoted(path)}"`),
  user: (user: string): Step => step(`USER ${word(user)}`),
  expose: (port: number | string): Step => step(`EXPOSE ${word(String(port))}`),
  volume: (path: string): Step => step(`VOLUME ${words([literal(path)])}`),
  entrypoint: (argv: readonly string[]): Step => step(`ENTRYPOINT ${words(argv)}`),
  cmd: (argv: readonly string[]): Step => step(`CMD ${words(argv)}`),
} as const;

/** The Dockerfile that `list` is. */
export function dockerfileOf(list: readonly Step[]): string {
  return `${list.map(({ instruction }) => instruction).join('\n')}\n`;
}

/** Neither variables nor quotes mean anything in it. */
const literal = (text: string) => text.replace(/[\\$"']/g, (char) => `\\${char}`);

function word(text: string): string {
  if (/^[^\s"'#]\S*$/.test(text)) return text;
  throw new CtrError('USAGE', `${JSON.stringify(text)} is not one word of a Dockerfile`);
}

function pairs(record: Readonly<Record<string, string>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${word(name)}="${quoted(value)}"`)
    .join(' ');
}

function quoted(text: string): string {
  if (!/[\r\n]/.test(text)) return text.replace(/[\\"$]/g, (char) => `\\${char}`);
  throw new CtrError('USAGE', `${JSON.stringify(text)}: an instruction cannot hold a newline`);
}
