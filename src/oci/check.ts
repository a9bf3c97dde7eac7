/**
 * The only way in for JSON from outside: a check takes an unknown value and gives it back typed, or throws with the
 * path to what is wrong (`manifest.layers[2].size: expected an integer`).
 *
 * Members that a shape does not name are dropped, as the image-spec asks ("extensible": ignore unknown properties);
 * null counts as absent, because Go's encoder writes nil slices and maps so.
 */
import { CtrError } from '../base/ctr-error.ts';

export type Check<T> = (value: unknown, path: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

interface OptionalCheck<T> extends Check<T | undefined> {
  readonly optional: true;
}

type Shape = Readonly<Record<string, Check<unknown>>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: S[K] extends OptionalCheck<unknown> ? K : never }[keyof S];
type CheckedObject<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Checked<S[K]>;
} & {
  readonly [K in OptionalKeys<S>]?: Exclude<Checked<S[K]>, undefined>;
};

/** Parse `text` as JSON and check it; `what` begins the path in errors. */
export function parseJson<T>(text: string | Uint8Array, what: string, check: Check<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    throw new CtrError('INVALID', `${what}: not valid JSON`, { cause: error });
  }
  return check(value, what);
}

export const unknown: Check<unknown> = (value) => value;

export const string: Check<string> = (value, path) =>
  typeof value === 'string' ? value : refuse(path, 'a string', value);

export const boolean: Check<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'true or false', value);

/** A whole number that JavaScript holds exactly. */
export const integer: Check<number> = (value, path) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse(path, 'an integer', value);

/** A size, a count: an integer that is not negative. */
export const natural: Check<number> = (value, path) => {
  const number = integer(value, path);
  return number >= 0 ? number : refuse(path, 'an integer of at least 0', value);
};

export function literal<const T extends string | number | boolean>(...allowed: readonly T[]): Check<T> {
  return (value, path) =>
    allowed.find((one) => one === value) ?? refuse(path, allowed.map((one) => JSON.stringify(one)).join(' or '), value);
}

export function array<T>(item: Check<T>): Check<readonly T[]> {
  return (value, path) =>
    Array.isArray(value) ? value.map((one, at) => item(one, `${path}[${at}]`)) : refuse(path, 'an array', value);
}

/** An object whose member names are data: labels, annotations, volumes. */
export function record<T>(item: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, path) =>
    Object.fromEntries(membersOf(value, path).map(([key, one]) => [key, item(one, `${path}.${key}`)]));
}

export function optional<T>(check: Check<T>): OptionalCheck<T> {
  const optionalCheck: Check<T | undefined> = (value, path) =>
    value === undefined || value === null ? undefined : check(value, path);
  return Object.assign(optionalCheck, { optional: true } as const);
}

/** The first check that accepts; the last one's complaint when none does. */
export function union<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
  return (value, path) => {
    try {
      return first(value, path);
    } catch {
      return second(value, path);
    }
  };
}

export function object<S extends Shape>(shape: S): Check<CheckedObject<S>> {
  const checks = Object.entries(shape);
  return (value, path) => {
    const members = new Map(membersOf(value, path));
    const result: Record<string, unknown> = {};
    for (const [key, check] of checks) {
      const checked = check(members.get(key), `${path}.${key}`);
      if (checked !== undefined) result[key] = checked;
    }
    return result as CheckedObject<S>;
  };
}

/** A check by a parser of strings: its error text is put behind the path. */
export function parsed<T>(parse: (text: string) => T): Check<T> {
  return (value, path) => {
    const text = string(value, path);
    try {
      return parse(text);
    } catch (error) {
      throw new CtrError('INVALID', `${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

function membersOf(value: unknown, path: string): Array<[string, unknown]> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  return refuse(path, 'an object', value);
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new CtrError('INVALID', `${path}: expected ${expected}${value === undefined ? ', but it is missing' : ''}`);
}
