/** Texts that are lists of `name=value`: environment and label files, repeated flags. */
import { flagError } from './flag-error.ts';

/** The lines of an env or label file that say something; lines that begin with `#` are comments. */
export function meaningfulLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Split at the first `=`; the value is undefined when there is none. */
export function splitKeyValue(text: string): [key: string, value: string | undefined] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** `KEY=VALUE` words of a flag that may be repeated; a word without `=` has an empty value. */
export function recordOf(flag: string, words: readonly string[]): Record<string, string> {
  const entries = words.map((word): [string, string] => {
    const [key, value = ''] = splitKeyValue(word);
    if (key === '') throw flagError(flag, word, 'want KEY=VALUE');
    return [key, value];
  });
  return Object.fromEntries(entries);
}
