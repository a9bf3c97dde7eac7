/** --label, --label-file, --annotation. */

import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { type FlagContext, readFlagFile } from './flag-files.ts';
import { meaningfulLines, splitKeyValue } from './key-value.ts';

export interface LabelOptions {
  readonly label: readonly string[];
  readonly labelFile: readonly string[];
}

export interface AnnotationOptions {
  readonly annotation: readonly string[];
}

export function addLabelFlags(command: FlagSet): void {
  command
    .optionsGroup('Labels:')
    .option('-l, --label <key=value>', 'add a label', collect, [])
    .option('--label-file <file>', 'read labels from a file, one KEY=VALUE per line', collect, []);
}

export function addAnnotationFlags(command: FlagSet): void {
  command
    .optionsGroup('Labels:')
    .option('--annotation <key=value>', 'add an annotation of the OCI runtime configuration', collect, []);
}

/** Flags win over files, later words over earlier ones; a label without `=` has an empty value. */
export function parseLabels(options: LabelOptions, context: FlagContext): Record<string, string> {
  const fromFiles = options.labelFile.flatMap((path) => meaningfulLines(readFlagFile('--label-file', path, context)));
  return toRecord('--label', [...fromFiles, ...options.label]);
}

export function parseAnnotations(options: AnnotationOptions): Record<string, string> {
  const bare = options.annotation.find((word) => !word.includes('='));
  if (bare !== undefined) throw flagError('--annotation', bare, 'want KEY=VALUE');
  return toRecord('--annotation', options.annotation);
}

function toRecord(flag: string, words: readonly string[]): Record<string, string> {
  const entries = words.map((word): [string, string] => {
    const [key, value = ''] = splitKeyValue(word);
    if (key === '') throw flagError(flag, word, 'want KEY=VALUE');
    return [key, value];
  });
  return Object.fromEntries(entries);
}
