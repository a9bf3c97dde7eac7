/**
 * `--change` of import and commit: one Dockerfile instruction applied to an image's configuration
 * (podman-commit(1) "--change": CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR).
 */
import { CtrError } from '../base/ctr-error.ts';
import { array, parseJson, string } from './check.ts';
import type { ContainerDefaults } from './image-config.ts';

/** `CMD ["sh"]`, `ENV A=1 B="two words"`, `EXPOSE=8080`: a space or `=` behind the instruction's name. */
export function changeConfig(config: ContainerDefaults, instruction: string): ContainerDefaults {
  const [, word = '', value = ''] = /^\s*([A-Za-z]+)[\s=]\s*([\s\S]*?)\s*$/.exec(instruction) ?? [];
  const change = Object.hasOwn(changes, word.toUpperCase()) ? changes[word.toUpperCase()] : undefined;
  if (change !== undefined && value !== '') return { ...config, ...change(value, config) };
  throw new CtrError('USAGE', `invalid change ${JSON.stringify(instruction)}`, {
    hint: `write an instruction of a Dockerfile: ${Object.keys(changes).join(', ')}`,
  });
}

type Change = (value: string, config: ContainerDefaults) => Partial<ContainerDefaults>;

const changes: Readonly<Record<string, Change>> = {
  CMD: (value) => ({ Cmd: commandOf(value) }),
  ENTRYPOINT: (value) => ({ Entrypoint: commandOf(value) }),
  ENV: (value, { Env = [] }) => ({ Env: pairsOf(value).reduce(withVariable, Env) }),
  EXPOSE: (value, { ExposedPorts }) => ({ ExposedPorts: { ...ExposedPorts, ...keys(value.split(/\s+/).map(portOf)) } }),
  LABEL: (value, { Labels }) => ({ Labels: { ...Labels, ...Object.fromEntries(pairsOf(value)) } }),
  ONBUILD: (value, { OnBuild = [] }) => ({ OnBuild: [...OnBuild, value] }),
  STOPSIGNAL: (value) => ({ StopSignal: value }),
  USER: (value) => ({ User: value }),
  VOLUME: (value, { Volumes }) => ({ Volumes: { ...Volumes, ...keys(jsonWords(value) ?? wordsOf(value)) } }),
  WORKDIR: (value) => ({ WorkingDir: value }),
};

const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

/** The exec form, or a line for the shell. */
function commandOf(value: string): readonly string[] {
  return jsonWords(value) ?? ['/bin/sh', '-c', value];
}

function jsonWords(value: string): readonly string[] | undefined {
  return value.startsWith('[') ? parseJson(value, 'change', array(string)) : undefined;
}

function portOf(text: string): string {
  if (/^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/.test(text)) return text.includes('/') ? text : `${text}/tcp`;
  throw new CtrError('USAGE', `invalid port ${JSON.stringify(text)} in a change`);
}

function withVariable(env: readonly string[], [name, value]: readonly [string, string]): readonly string[] {
  return [...env.filter((one) => !one.startsWith(`${name}=`)), `${name}=${value}`];
}

/** `A=1 B="two words"`, or the old form `A the rest`. */
function pairsOf(value: string): Array<[string, string]> {
  const words = wordsOf(value);
  const [first = '', ...rest] = words;
  if (!first.includes('=')) return [[first, rest.join(' ')]];
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw new CtrError('USAGE', `invalid change: ${JSON.stringify(word)} is no NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Words as a shell splits them: quotes and backslashes are taken away. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])/g, (_, double, single, escaped) =>
      double !== undefined ? double.replace(/\\([\s\S])/g, '$1') : (single ?? escaped ?? ''),
    ),
  );
}
