/** The rules about single instructions and the order of them in a stage. */
import { parseExposedPort } from './expose.ts';
import type { IgnoreRules } from './ignore-file.ts';
import type { ArgInstruction, FromInstruction, Instruction, StageInstruction } from './instruction.ts';
import type { LintWarning } from './lint-warning.ts';
import { rules } from './rules.ts';
import type { Dockerfile, Stage } from './stage.ts';

export function lintInstructions(dockerfile: Dockerfile, ignore: IgnoreRules | undefined): LintWarning[] {
  const { globalArgs, stages } = dockerfile;
  const all = [...globalArgs, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])];
  const state = new Map<string, StageState>();
  return [
    ...lintCasing(all),
    ...globalArgs.flatMap((instruction) => lintArg(instruction)),
    ...stages.flatMap((stage) => [...lintDescription(stage.from), ...lintStage(stage, state, ignore)]),
  ];
}

/** What a stage hands down to the stages built from it. */
interface StageState {
  readonly workdirSet: boolean;
  readonly shellSet: boolean;
}

function lintStage(stage: Stage, states: Map<string, StageState>, ignore: IgnoreRules | undefined): LintWarning[] {
  const found: LintWarning[] = [];
  let { workdirSet, shellSet } = states.get(stage.from.image.toLowerCase()) ?? { workdirSet: false, shellSet: false };
  const last = new Map<string, StageInstruction>();
  for (const instruction of stage.instructions) {
    const { kind, source } = instruction;
    if (kind === 'workdir') {
      const isRelative = !/^["']?[/$]/.test(instruction.path);
      if (isRelative && !workdirSet) found.push(rules.WorkdirRelativePath.found(source, instruction.path));
      workdirSet = true;
    }
    if (kind === 'shell') shellSet = true;
    if ((kind === 'cmd' || kind === 'entrypoint') && instruction.command.form === 'shell' && !shellSet) {
      found.push(rules.JSONArgsRecommended.found(source, kind.toUpperCase()));
    }
    if (kind === 'cmd' || kind === 'entrypoint' || kind === 'healthcheck') {
      const earlier = last.get(kind);
      if (earlier) found.push(rules.MultipleInstructionsDisallowed.found(earlier.source, kind.toUpperCase()));
      last.set(kind, instruction);
    }
    found.push(...lintOne(instruction, ignore));
  }
  if (stage.name !== undefined) states.set(stage.name, { workdirSet, shellSet });
  return found;
}

function lintOne(instruction: StageInstruction, ignore: IgnoreRules | undefined): LintWarning[] {
  const { source } = instruction;
  switch (instruction.kind) {
    case 'arg':
      return lintArg(instruction);
    case 'env':
      return [
        ...instruction.pairs.flatMap(({ key }) => lintSecret('ENV', key, instruction)),
        ...(instruction.legacy ? [rules.LegacyKeyValueFormat.found(source, 'ENV')] : []),
      ];
    case 'label':
      return instruction.legacy ? [rules.LegacyKeyValueFormat.found(source, 'LABEL')] : [];
    case 'maintainer':
      return [rules.MaintainerDeprecated.found(source)];
    case 'expose':
      return instruction.ports.flatMap((port) => lintPort(port, instruction));
    case 'copy':
      return instruction.from === undefined ? lintIgnored('Copy', instruction, ignore) : [];
    case 'add':
      return lintIgnored('Add', instruction, ignore);
    default:
      return [];
  }
}

function lintArg(instruction: ArgInstruction): LintWarning[] {
  return [
    ...instruction.args.flatMap(({ name }) => lintSecret('ARG', name, instruction)),
    ...lintDescription(instruction),
  ];
}

const secretWord = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const allowedWord = /(?:_|^)(?:public|file|version)(?:_|$)/i;

function lintSecret(keyword: string, name: string, { source }: Instruction): LintWarning[] {
  const isSecret = secretWord.test(name) && !allowedWord.test(name);
  return isSecret ? [rules.SecretsUsedInArgOrEnv.found(source, keyword, name)] : [];
}

/** Ports with variables are left to the build. */
function lintPort(port: string, { source }: Instruction): LintWarning[] {
  try {
    const { protocol, mapsHost } = parseExposedPort(port);
    return [
      ...(protocol === protocol.toLowerCase() ? [] : [rules.ExposeProtoCasing.found(source, port)]),
      ...(mapsHost ? [rules.ExposeInvalidFormat.found(source, port)] : []),
    ];
  } catch {
    return [];
  }
}

type Copying = Extract<StageInstruction, { kind: 'copy' | 'add' }>;

function lintIgnored(verb: string, { sources, source }: Copying, ignore: IgnoreRules | undefined): LintWarning[] {
  if (!ignore) return [];
  return sources.flatMap((each) => {
    if (each.kind !== 'path' || /[$*?[]/.test(each.path)) return [];
    const path = each.path.replace(/^(\.?\/)+|\/+$/g, '');
    return path !== '' && path !== '.' && ignore.isIgnored(path)
      ? [rules.CopyIgnoredFile.found(source, verb, each.path)]
      : [];
  });
}

/** The comment line directly above FROM … AS name and ARG is taken for a description. */
function lintDescription(instruction: FromInstruction | ArgInstruction): LintWarning[] {
  const last = instruction.comment.at(-1) ?? '';
  const isFrom = instruction.kind === 'from';
  const names = isFrom ? [instruction.name].filter((n) => n !== undefined) : instruction.args.map(({ name }) => name);
  const [name] = names;
  if (last === '' || name === undefined || names.includes(last.split(' ')[0] ?? '')) return [];
  const example = names.length > 1 ? '<arg_key>' : name;
  return [rules.InvalidDefinitionDescription.found(instruction.source, isFrom ? 'FROM' : 'ARG', example)];
}

/** Every keyword like most of them: all capitals or all small letters. */
function lintCasing(instructions: readonly Instruction[]): LintWarning[] {
  const lower = instructions.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = instructions.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const [change, casing] =
    lower > upper
      ? ([(word: string) => word.toLowerCase(), 'lowercase'] as const)
      : ([(word: string) => word.toUpperCase(), 'uppercase'] as const);
  return instructions
    .filter(({ keyword }) => keyword !== change(keyword))
    .map(({ keyword, source }) => rules.ConsistentInstructionCasing.found(source, keyword, casing));
}
