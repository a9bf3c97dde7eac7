/** Variables in an instruction (reference, "Environment replacement": the list of instructions that support them). */
import { CtrError } from '../base/ctr-error.ts';
import { signalNumber } from '../linux/signals.ts';
import { expandContent, expandWord, type Variables } from './expand-word.ts';
import { exposedPorts } from './expose.ts';
import type { AddInstruction, CopyInstruction, CopySource, Pair, StageInstruction } from './instruction.ts';
import { parseModeChange } from './mode-change.ts';
import { classifySource } from './parse-copy.ts';
import { parseMount } from './parse-mount.ts';
import { withPlace } from './place-error.ts';
import { instructionError } from './source-range.ts';

/** All but ARG, whose value may come from elsewhere (scope.ts). Errors name the instruction's place and show it. */
export function expandInstruction(instruction: StageInstruction, variables: Variables): StageInstruction {
  return withPlace(
    (message, hint) => instructionError(instruction, message, hint),
    () => expanded(instruction, variables),
  );
}

function expanded(instruction: StageInstruction, variables: Variables): StageInstruction {
  const word = (text: string) => expandWord(text, variables);
  switch (instruction.kind) {
    case 'env':
    case 'label':
      return { ...instruction, pairs: instruction.pairs.map((pair) => expandPair(pair, word)) };
    case 'copy':
      return expandCopy(instruction, variables);
    case 'add':
      return expandAdd(instruction, variables);
    case 'run':
      return { ...instruction, mounts: instruction.mountTexts.map((text) => parseMount(text, word)) };
    case 'expose':
      return expandExpose(instruction, word);
    case 'user':
      return { ...instruction, user: notEmpty('USER', word(instruction.user)) };
    case 'workdir':
      return { ...instruction, path: word(instruction.path) };
    case 'volume':
      return { ...instruction, paths: instruction.paths.map((path) => notEmpty('VOLUME', word(path))) };
    case 'stopsignal':
      return { ...instruction, signal: checkedSignal(word(instruction.signal)) };
    case 'arg':
    case 'cmd':
    case 'entrypoint':
    case 'shell':
    case 'healthcheck':
    case 'onbuild':
    case 'maintainer':
      return instruction;
    default:
      return instruction satisfies never;
  }
}

function expandPair({ key, value }: Pair, word: (text: string) => string): Pair {
  const name = word(key);
  if (name === '') throw new CtrError('INVALID', `the name ${JSON.stringify(key)} is empty`);
  return { key: name, value: word(value) };
}

function expandCopy(instruction: CopyInstruction, variables: Variables): CopyInstruction {
  const copied = { ...instruction, ...expandFlags(instruction, variables) };
  const remote = copied.sources.find(({ kind }) => kind === 'url' || kind === 'git');
  if (!remote) return copied;
  const what = remote.kind === 'url' ? 'URL' : 'git repository';
  throw new CtrError('INVALID', `COPY takes no ${what}`, { hint: 'ADD does' });
}

function expandAdd(instruction: AddInstruction, variables: Variables): AddInstruction {
  const { checksum } = instruction;
  const added = { ...instruction, ...expandFlags(instruction, variables) };
  if (checksum === undefined) return added;
  const value = expandWord(checksum, variables);
  const [source] = added.sources;
  if (source?.kind === 'url' && !/^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(value)) {
    const hint = 'write sha256: and 64 hexadecimal digits';
    throw new CtrError('INVALID', `invalid checksum ${JSON.stringify(value)}`, { hint });
  }
  if (source?.kind === 'path' || source?.kind === 'inline') {
    throw new CtrError('INVALID', '--checksum is for URLs and git repositories');
  }
  return { ...added, checksum: value };
}

function expandFlags(
  { sources, destination, chown, chmod, exclude }: CopyInstruction | AddInstruction,
  variables: Variables,
) {
  const word = (text: string) => expandWord(text, variables);
  const mode = chmod === undefined ? undefined : word(chmod);
  if (mode !== undefined) parseModeChange(mode);
  return {
    sources: sources.map((source) => expandSource(source, variables)),
    destination: notEmpty('the destination', word(destination)),
    exclude: exclude.map(word),
    ...(chown === undefined ? {} : { chown: word(chown) }),
    ...(mode === undefined ? {} : { chmod: mode }),
  };
}

function expandSource(source: CopySource, variables: Variables): CopySource {
  switch (source.kind) {
    case 'inline':
      return source.verbatim ? source : { ...source, content: expandContent(source.content, variables) };
    case 'path':
      return classifySource(expandWord(source.path, variables));
    case 'url':
      return classifySource(expandWord(source.url, variables));
    case 'git':
      return classifySource(expandWord(source.git.written, variables));
    default:
      return source satisfies never;
  }
}

function expandExpose<I extends { readonly ports: readonly string[] }>(
  instruction: I,
  word: (text: string) => string,
): I {
  const ports = instruction.ports.flatMap((port) => word(port).split(/\s+/)).filter((port) => port !== '');
  exposedPorts(ports);
  return { ...instruction, ports };
}

function notEmpty(what: string, value: string): string {
  if (value !== '') return value;
  throw new CtrError('INVALID', `${what} is empty`, { hint: 'a variable in it has no value' });
}

function checkedSignal(signal: string): string {
  if (signalNumber(signal) !== undefined) return signal;
  throw new CtrError('INVALID', `unknown signal ${JSON.stringify(signal)}`, {
    hint: 'write a name (SIGTERM) or a number',
  });
}
