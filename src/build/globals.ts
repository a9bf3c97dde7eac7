/** The global scope of a build: ARG before FROM, `--build-arg`, and what every build knows (reference, "ARG"). */
import { parsePlatform } from '../oci/platform.ts';
import { expandWord } from './expand-word.ts';
import type { Globals, PlanOptions } from './graph.ts';
import { withPlace } from './place-error.ts';
import { instructionError } from './source-range.ts';
import type { Dockerfile } from './stage.ts';

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

export function globalsOf(dockerfile: Dockerfile, options: PlanOptions): Globals {
  const buildArgs = options.buildArgs ?? {};
  const known = { ...platformArguments(options), TARGETSTAGE: options.target || 'default' };
  const predefined = Object.fromEntries(
    Object.entries(known).map(([name, value]) => [
      name,
      Object.hasOwn(buildArgs, name) ? (buildArgs[name] ?? value) : value,
    ]),
  );
  const proxies = Object.fromEntries(Object.entries(buildArgs).filter(([name]) => isProxy(name)));
  return { args: globalArguments(dockerfile, buildArgs, predefined), buildArgs, predefined, proxies };
}

/** HTTP_PROXY and its like, in capitals or small letters. */
export function isProxy(name: string): boolean {
  return proxyNames.some((proxy) => name === proxy || name === proxy.toLowerCase());
}

function platformArguments({ platform, buildPlatform }: PlanOptions): Record<string, string> {
  return { ...named('TARGET', platform), ...named('BUILD', buildPlatform) };
}

function named(prefix: string, text: string): Record<string, string> {
  const { os, architecture, variant = '' } = parsePlatform(text);
  return {
    [`${prefix}PLATFORM`]: text,
    [`${prefix}OS`]: os,
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: variant,
  };
}

/** Each default may use the ones before it. */
export function globalArguments(
  { globalArgs, directives }: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  predefined: Readonly<Record<string, string>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  const lookup = (name: string) =>
    Object.hasOwn(values, name) ? values[name] : Object.hasOwn(predefined, name) ? predefined[name] : undefined;
  for (const instruction of globalArgs) {
    const placed = (message: string, hint: string | undefined) => instructionError(instruction, message, hint);
    for (const { name, value } of instruction.args) {
      const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
      const word = () => value && expandWord(value, { escape: directives.escape, lookup });
      const result = given ?? withPlace(placed, word);
      if (result !== undefined) values[name] = result;
    }
  }
  return values;
}
