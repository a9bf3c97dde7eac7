/** RUN (reference, "RUN"): shell form, JSON form or here-document, with mounts, network and security. */
import { type Arguments, commandOf } from './arguments.ts';
import { checkFlags, type FlagValues } from './flags.ts';
import { chompedContent, parseHeredocHead } from './heredoc.ts';
import type { Command, RunInstruction } from './instruction.ts';
import type { LogicalLine } from './logical-line.ts';
import { parseMount } from './parse-mount.ts';
import { withPlace } from './place-error.ts';

const kinds = { mount: 'list', network: 'string', security: 'string', device: 'list' } as const;

export function parseRun(args: Arguments): RunInstruction {
  const { line, keyword, base } = args;
  const flags = checkFlags(line, args.flags, kinds, keyword);
  const command = runCommand(args);
  const mountTexts = flags.list('mount');
  const mounts = mountTexts.map((text, index) =>
    withPlace(
      (message, hint) => line.error(message, flags.token('mount', index), hint),
      () => parseMount(text),
    ),
  );
  return {
    kind: 'run',
    ...base,
    command,
    mounts,
    mountTexts,
    network: choice(line, flags, 'network', ['default', 'none', 'host']),
    security: choice(line, flags, 'security', ['sandbox', 'insecure']),
    devices: flags.list('device').map(parseDevice),
  };
}

function choice<T extends string>(line: LogicalLine, flags: FlagValues, name: string, values: readonly [T, ...T[]]): T {
  const written = flags.string(name);
  if (written === undefined) return values[0];
  const known = values.find((value) => value === written);
  if (known !== undefined) return known;
  throw line.error(`--${name} is one of ${values.join(', ')}, not ${JSON.stringify(written)}`, flags.token(name));
}

/** `vendor.com/class=name`, with `,required`. */
function parseDevice(text: string): RunInstruction['devices'][number] {
  const [name = '', ...options] = text.split(',').map((part) => part.replace(/^name=/, ''));
  return { name, required: options.some((option) => option === 'required' || option === 'required=true') };
}

/**
 * A lone here-document is the script itself; one that begins with `#!` becomes a file. Any other is handed to the
 * shell as it is written, because the shell knows here-documents too.
 */
function runCommand(args: Arguments): Command {
  const { line, keyword, rest } = args;
  if (rest.text === '') throw line.error(`${keyword} needs a command`);
  const [heredoc] = line.heredocs;
  if (heredoc === undefined) return nonEmpty(args, commandOf(args));
  if (parseHeredocHead(rest) === undefined) {
    const documents = line.heredocs.map(({ content, name }) => `\n${content}${name}`);
    return { form: 'shell', line: rest.text + documents.join('') };
  }
  const content = chompedContent(heredoc);
  return content.startsWith('#!') ? { form: 'script', name: heredoc.name, content } : { form: 'shell', line: content };
}

function nonEmpty({ line, keyword }: Arguments, command: Command): Command {
  if (command.form !== 'exec' || command.words.length > 0) return command;
  throw line.error(`${keyword} needs a command`);
}
