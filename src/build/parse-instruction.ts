/** One logical line → one typed instruction. */
import { CtrError } from '../base/ctr-error.ts';
import { suggest } from '../base/suggest.ts';
import { type Arguments, commandOf, jsonWords, soleArgument, wordTokens } from './arguments.ts';
import { checkFlags } from './flags.ts';
import type { Instruction, InstructionKind, OnbuildInstruction } from './instruction.ts';
import { type LogicalLine, readLogicalLines } from './logical-line.ts';
import { parseAdd, parseCopy } from './parse-copy.ts';
import { parseFrom } from './parse-from.ts';
import { parseHealthcheck } from './parse-healthcheck.ts';
import { parseArg, parseEnv, parseLabel } from './parse-pairs.ts';
import { parseRun } from './parse-run.ts';
import { splitFlags } from './split-flags.ts';
import { splitAtSpaces, type Token } from './words.ts';

type Parse<K extends InstructionKind> = (args: Arguments, escapeCharacter: string) => Extract<Instruction, { kind: K }>;

const parsers: { readonly [K in InstructionKind]: Parse<K> } = {
  from: parseFrom,
  arg: flagless(parseArg),
  run: parseRun,
  copy: parseCopy,
  add: parseAdd,
  env: flagless(parseEnv),
  label: flagless(parseLabel),
  healthcheck: parseHealthcheck,
  onbuild: flagless(parseOnbuild),
  cmd: flagless((args) => ({ kind: 'cmd', ...args.base, command: someCommand(args) })),
  entrypoint: flagless((args) => ({ kind: 'entrypoint', ...args.base, command: someCommand(args) })),
  expose: flagless((args) => ({
    kind: 'expose',
    ...args.base,
    ports: someWords(args, splitAtSpaces(args.line.text, args.rest.start)),
  })),
  user: flagless((args) => ({ kind: 'user', ...args.base, user: soleArgument(args) })),
  workdir: flagless((args) => ({ kind: 'workdir', ...args.base, path: soleArgument(args) })),
  stopsignal: flagless((args) => ({ kind: 'stopsignal', ...args.base, signal: soleArgument(args) })),
  maintainer: flagless((args) => ({ kind: 'maintainer', ...args.base, name: soleArgument(args) })),
  volume: flagless((args) => ({ kind: 'volume', ...args.base, paths: volumePaths(args) })),
  shell: flagless((args) => ({ kind: 'shell', ...args.base, words: shellWords(args) })),
};

const keywords = Object.keys(parsers).map((kind) => kind.toUpperCase());

export function parseInstruction(line: LogicalLine, escapeCharacter: string): Instruction {
  const written = /^\S+/.exec(line.text)?.[0] ?? '';
  const kind = written.toLowerCase();
  if (!Object.hasOwn(parsers, kind)) throw unknownInstruction(line, written);
  const { flags, rest } = splitFlags(line.text, written.length);
  const base = { source: line.source, text: line.text.trim(), keyword: written, comment: line.comment };
  const args = { line, keyword: written.toUpperCase(), base, flags, rest };
  return parsers[kind as InstructionKind](args, escapeCharacter);
}

function unknownInstruction(line: LogicalLine, written: string): Error {
  const near = suggest(written.toUpperCase(), keywords);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `the instructions are ${keywords.join(', ')}`;
  return line.error(`unknown instruction ${written}`, { start: 0, end: written.length }, hint);
}

/** Instructions without flags: what looks like one is an error, as in BuildKit. */
function flagless<K extends InstructionKind>(parse: Parse<K>): Parse<K> {
  return (args, escapeCharacter) => {
    checkFlags(args.line, args.flags, {}, args.keyword);
    return parse(args, escapeCharacter);
  };
}

function someCommand(args: Arguments) {
  if (args.rest.text === '') throw args.line.error(`${args.keyword} needs a command`);
  return commandOf(args);
}

function someWords(args: Arguments, tokens: readonly Token[] = wordTokens(args)): readonly string[] {
  const words = tokens.map(({ text }) => text);
  if (words.length === 0) throw args.line.error(`${args.keyword} needs an argument`);
  return words;
}

function volumePaths(args: Arguments): readonly string[] {
  const paths = someWords(args).map((path) => path.trim());
  if (paths.includes('')) throw args.line.error('VOLUME: a path is empty', args.rest);
  return paths;
}

function shellWords(args: Arguments): readonly string[] {
  const words = jsonWords(args);
  if (words === undefined) {
    throw args.line.error('SHELL takes the JSON form', args.rest, 'write SHELL ["executable", "parameter"]');
  }
  if (words.length === 0) throw args.line.error('SHELL needs at least one word', args.rest);
  return words;
}

/** The trigger is parsed here too, so that its errors show now and not in somebody else's build. */
function parseOnbuild({ line, base, rest }: Arguments, escapeCharacter: string): OnbuildInstruction {
  const keyword = /^\S*/.exec(rest.text)?.[0]?.toUpperCase() ?? '';
  const token = { start: rest.start, end: rest.start + keyword.length };
  if (keyword === '') throw line.error('ONBUILD needs an instruction');
  if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(keyword)) {
    throw line.error(`${keyword} cannot be triggered by ONBUILD`, token);
  }
  const within = innerLine(line, rest.start);
  parseInstruction(within, escapeCharacter);
  const documents = line.heredocs.map(({ content, name }) => `\n${content}${name}`);
  return { kind: 'onbuild', ...base, trigger: rest.text + documents.join('') };
}

/** The same line from an offset on. */
function innerLine(line: LogicalLine, from: number): LogicalLine {
  const moved = (token: { start: number; end: number }) => ({ start: token.start + from, end: token.end + from });
  return {
    ...line,
    text: line.text.slice(from),
    rangeOf: (token) => line.rangeOf(moved(token)),
    error: (message, token, hint) => line.error(message, token && moved(token), hint),
  };
}

/** The instruction of one trigger; its text may have here-documents. */
export function parseTrigger(text: string, source: string): Instruction {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const file = { name: source, lines };
  const [line, second] = readLogicalLines(file, text, '\\');
  if (line === undefined) throw new CtrError('INVALID', `${source}: the trigger is empty`);
  if (second !== undefined) throw second.error('a trigger is one instruction');
  return parseInstruction(line, '\\');
}
