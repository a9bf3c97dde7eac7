/** The rules about FROM lines and stage names. */
import { suggest } from '../base/suggest.ts';
import { parsePlatform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { expandWord } from './expand-word.ts';
import { globalArguments } from './globals.ts';
import type { Globals } from './graph.ts';
import type { FromInstruction } from './instruction.ts';
import type { LintWarning } from './lint-warning.ts';
import { rules } from './rules.ts';
import type { Dockerfile } from './stage.ts';

const reserved = ['context', 'scratch'];

export function lintStageNames({ stages }: Dockerfile): LintWarning[] {
  const seen = new Set<string>();
  return stages.flatMap(({ name, from }) => {
    if (name === undefined) return [];
    const found: LintWarning[] = [];
    const { source, writtenName = name, keyword, asKeyword = '' } = from;
    if (writtenName !== name) found.push(rules.StageNameCasing.found(source, writtenName));
    if (casing(keyword) !== casing(asKeyword)) found.push(rules.FromAsCasing.found(source, keyword, asKeyword));
    if (reserved.includes(name)) found.push(rules.ReservedStageName.found(source, name));
    if (seen.has(name)) found.push(rules.DuplicateStageName.found(source, name));
    seen.add(name);
    return found;
  });
}

function casing(word: string): 'upper' | 'lower' | 'mixed' {
  if (word === word.toUpperCase()) return 'upper';
  return word === word.toLowerCase() ? 'lower' : 'mixed';
}

export function lintFrom(dockerfile: Dockerfile, globals: Globals): LintWarning[] {
  const known = { ...globals.predefined, ...globals.args };
  const declared = new Set(dockerfile.globalArgs.flatMap(({ args }) => args.map(({ name }) => name)));
  return dockerfile.stages.flatMap(({ from }) => {
    const undefinedNames = new Set<string>();
    for (const word of [from.image, from.platform ?? '']) {
      for (const name of namesIn(word, known, dockerfile)) if (!declared.has(name)) undefinedNames.add(name);
    }
    const names = [...declared, ...Object.keys(globals.predefined)];
    return [
      ...[...undefinedNames].map((name) =>
        rules.UndefinedArgInFrom.found(from.source, name, suggest(name, names)[0] ?? ''),
      ),
      ...lintPlatform(from),
      ...lintDefault(dockerfile, from, globals),
    ];
  });
}

/** The names without a value in a word. */
function namesIn(word: string, known: Readonly<Record<string, string>>, { directives }: Dockerfile): string[] {
  const missing: string[] = [];
  try {
    expandWord(word, {
      escape: directives.escape,
      lookup: (name) => (Object.hasOwn(known, name) ? known[name] : undefined),
      noticed: (name, isSet) => void (isSet || missing.push(name)),
    });
  } catch {
    // The build itself says what is wrong with the word.
  }
  return missing;
}

/** A constant is allowed in a stage whose name says the platform: `build-arm64`. */
function lintPlatform({ platform, source, name = '' }: FromInstruction): LintWarning[] {
  if (platform === undefined) return [];
  if (/^\$(TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) {
    return [rules.RedundantTargetPlatform.found(source, platform)];
  }
  if (platform.includes('$')) return [];
  let parts: string[] = [];
  try {
    const { os, architecture } = parsePlatform(platform);
    parts = [os, architecture];
  } catch {
    // The build itself says what is wrong with the platform.
  }
  return parts.some((part) => name.includes(part))
    ? []
    : [rules.FromPlatformFlagConstDisallowed.found(source, platform)];
}

/** The image's name with the defaults alone, as if no `--build-arg` were given. */
function lintDefault(dockerfile: Dockerfile, { image, source }: FromInstruction, globals: Globals): LintWarning[] {
  if (!image.includes('$')) return [];
  try {
    const values: Record<string, string> = {
      ...globals.predefined,
      ...globalArguments(dockerfile, {}, globals.predefined),
    };
    const lookup = (name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);
    const name = expandWord(image, { escape: dockerfile.directives.escape, lookup });
    if (name === '') return [rules.InvalidDefaultArgInFrom.found(source, image)];
    parseReference(name);
    return [];
  } catch {
    return [rules.InvalidDefaultArgInFrom.found(source, image)];
  }
}
