/** Help pages: the list of commands, the commands of one group, one command. */
import type { Option } from 'commander';
import { CtrError } from '../base/ctr-error.ts';
import { suggest } from '../base/suggest.ts';
import { type CommandSpec, globalFlags } from './command.ts';
import { type CommandEntry, groups } from './command-entry.ts';
import type { Context } from './context.ts';
import { describeFlags } from './help-declaration.ts';
import { commands } from './program.ts';

/** `ctr`, `ctr help …`, `ctr image`, `ctr --help`, and words that name no command. */
export async function helpForWords(words: readonly string[], asked: boolean, context: Context): Promise<number> {
  const program = context.programName;
  const [first, ...rest] = words[0] === 'help' ? words.slice(1) : words;
  const wanted = asked || words[0] === 'help';
  if (first === undefined) {
    context.stdout.write(rootHelp(program));
    return 0;
  }
  const entry = commands.find(
    (each) => [first, ...rest].join(' ') === each.name || each.also.includes([first, ...rest].join(' ')),
  );
  if (entry !== undefined) {
    const { command: spec } = await entry.load();
    context.stdout.write(commandHelp(entry, spec, program));
    return 0;
  }
  const members = membersOf(first);
  const helpFlag = rest[0] === '--help' || rest[0] === '-h';
  if (members.length > 0 && (rest.length === 0 || helpFlag)) {
    if (!wanted && !helpFlag)
      throw new CtrError('USAGE', `missing command: ${program} ${first} COMMAND`, {
        hint: `see \`${program} ${first} --help\``,
      });
    context.stdout.write(groupHelp(first, members, program));
    return 0;
  }
  throw unknownCommand(members.length > 0 ? [first, ...rest] : [first], program);
}

/** `unknown command: imags`, with the ones that may have been meant. */
export function unknownCommand(words: readonly string[], program: string): CtrError {
  const [group, member] = words;
  const typed = member === undefined ? (group ?? '') : member;
  const known = member === undefined ? topLevelNames() : membersOf(group ?? '').map(({ word }) => word);
  const prefix = member === undefined ? program : `${program} ${group}`;
  const meant = suggest(typed, known).map((name) => `\`${prefix} ${name}\``);
  const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `see \`${prefix} --help\``;
  return new CtrError('USAGE', `unknown command: ${prefix} ${typed}`, { hint });
}

const shown = commands.filter(({ group }) => group !== 'internal');

const topLevelNames = () => [
  ...new Set(shown.flatMap(({ name, also }) => [name, ...also]).map((name) => name.split(' ')[0] ?? name)),
];

interface Member {
  readonly word: string;
  readonly entry: CommandEntry;
}

function membersOf(group: string): Member[] {
  return shown.flatMap((entry) =>
    [entry.name, ...entry.also]
      .filter((name) => name.startsWith(`${group} `))
      .map((name) => ({ word: name.slice(group.length + 1), entry })),
  );
}

function rootHelp(program: string): string {
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const rows = shown.filter((entry) => entry.group === group).map(({ name, summary }) => [name, summary] as const);
    return rows.length === 0 ? [] : [`${title}:`, ...columns(rows), ''];
  });
  return [
    'Run, pull and build OCI containers without a daemon and without root',
    '',
    `Usage: ${program} [options] COMMAND`,
    '',
    ...sections,
    'Options:',
    ...columns([...globalFlags.map(({ help }) => help), ['-v, --version', 'show the version']]),
    '',
    `\`${program} COMMAND --help\` tells more about a command.`,
    '',
  ].join('\n');
}

function groupHelp(group: string, members: readonly Member[], program: string): string {
  const unique = members.filter(({ entry }, index) => members.findIndex((other) => other.entry === entry) === index);
  const rows = unique.map(({ word, entry }) => [word, entry.summary] as const);
  return [`Usage: ${program} ${group} COMMAND`, '', 'Commands:', ...columns(rows), ''].join('\n');
}

/** `ctr COMMAND --help`: also the source of docs/commands/. */
export function commandHelp(entry: CommandEntry, spec: CommandSpec, program: string): string {
  const options = describeFlags(entry.name, spec).options.filter(({ hidden }) => !hidden);
  const sections = [...Map.groupBy(options, ({ helpGroupHeading }) => helpGroupHeading ?? 'Options:')];
  const others = entry.also.map((name) => `${program} ${name}`);
  return [
    entry.summary,
    '',
    ...(spec.description ? [spec.description, ''] : []),
    `Usage: ${program} ${entry.name} ${spec.usage}`.trimEnd(),
    ...(others.length > 0 ? [`  also: ${others.join(', ')}`] : []),
    '',
    ...sections.flatMap(([heading, members]) => [heading, ...columns(members.map(optionRow)), '']),
    'Examples:',
    ...spec.examples.map((line) => `  ${program} ${line}`),
    '',
  ].join('\n');
}

function optionRow(option: Option): readonly [string, string] {
  const flags = option.short ? option.flags : `    ${option.flags}`;
  const value: unknown = option.defaultValue;
  const worthSaying = (typeof value === 'string' && value !== '') || typeof value === 'number';
  return [flags, `${option.description}${worthSaying ? ` (default ${value})` : ''}`];
}

function columns(rows: ReadonlyArray<readonly [string, string]>): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
}
