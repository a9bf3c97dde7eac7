/** Options as values → flags of the command line: `readOnly: true` → `--read-only`. */

/** A list is a flag for each entry, a record one for each `name=value`; absent values are left out. */
export type FlagValue =
  | string
  | number
  | boolean
  | readonly (string | number)[]
  | Readonly<Record<string, string | number>>
  | undefined;

/** `--name=value` for every option, so that no value is taken for a flag. */
export function flagsFrom(options: Readonly<Record<string, FlagValue>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return valuesOf(value).map((text) => (text === true ? flag : `${flag}=${text}`));
  });
}

function valuesOf(value: FlagValue): Array<string | number | boolean> {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  if (typeof value === 'object') return Object.entries(value).map(([name, each]) => `${name}=${each}`);
  return [value as string | number | boolean];
}
