/** The JSON form of arguments: an array of strings, and nothing behind it. */

export type StringArray = { readonly words: readonly string[] } | 'not-strings';

/** Undefined when the text is no JSON array at all: it is in shell form then. */
export function parseStringArray(text: string): StringArray | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[') || !trimmed.endsWith(']')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const words = value.filter((word) => typeof word === 'string');
  return words.length === value.length ? { words } : 'not-strings';
}
