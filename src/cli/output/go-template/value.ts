/** How Go prints, compares and judges values, for the values that JSON can hold (fmt "%v", text/template "truth"). */

/** What templates work on: JSON values, and functions as methods (`.Label "x"`). */
export type Value = unknown;

export const isRecord = (value: Value): value is Record<string, Value> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As `%v`: `map[a:1 b:2]`, `[a b]`, `<nil>`. */
export function printed(value: Value): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return printedNumber(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`;
  if (isRecord(value)) {
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${printed(value[key])}`)
      .join(' ')}]`;
  }
  return String(value);
}

/** What an action that yields `value` leaves in the output. */
export function shown(value: Value): string {
  return value === null || value === undefined ? '<no value>' : printed(value);
}

/** Go writes exponents with two digits at least. */
function printedNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** False for the zero values: false, 0, "", nil, and what is empty. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Date) return true;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

export function sortedKeys(record: Record<string, Value>): string[] {
  return Object.keys(record)
    .filter((key) => typeof record[key] !== 'function')
    .sort();
}

/** The members of an object under Go's name for them: exact case first, then any case. */
export function member(record: Record<string, Value>, name: string): { readonly value: Value } | undefined {
  if (Object.hasOwn(record, name)) return { value: record[name] };
  const lower = name.toLowerCase();
  const key = Object.keys(record).find((each) => each.toLowerCase() === lower);
  return key === undefined ? undefined : { value: record[key] };
}

/** JSON as Go's encoder writes it with HTML escaping off, keys in their order. */
export function toJson(value: Value): string {
  return JSON.stringify(value) ?? 'null';
}
