/**
 * The functions that templates may call: text/template "Functions", and those that Docker and Podman add
 * (docs.docker.com "Format command and log output": json join split lower upper title pad truncate println; trim).
 */
import { CtrError } from '../../../base/ctr-error.ts';
import { printf } from './printf.ts';
import { isRecord, isTrue, printed, toJson, type Value } from './value.ts';

export type TemplateFunction = (...args: readonly Value[]) => Value;

const bad = (message: string): never => {
  throw new CtrError('USAGE', message);
};
const text = (value: Value) => (typeof value === 'string' ? value : printed(value));
const whole = (value: Value): number =>
  typeof value === 'number' && Number.isInteger(value) ? value : bad(`want a whole number, got ${printed(value)}`);

export const functions: Readonly<Record<string, TemplateFunction>> = {
  not: (value) => !isTrue(value),
  eq: (first, ...others) =>
    others.length === 0 ? bad('missing argument for comparison') : others.some((other) => equal(first, other)),
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  len: (value) => length(value),
  index: (value, ...keys) => keys.reduce((at, key) => indexed(at, key), value),
  slice: (value, from = 0, to = undefined) => sliced(value, whole(from), to === undefined ? undefined : whole(to)),
  print: (...values) => spaced(values),
  println: (...values) => `${values.map(printed).join(' ')}\n`,
  printf: (format, ...values) => printf(text(format), values),
  html: (...values) => spaced(values).replace(/[<>&'"\0]/g, (char) => htmlEscapes[char] ?? char),
  js: (...values) =>
    spaced(values).replace(
      /[\\'"<>&=\n\r\t]/g,
      (char) => jsEscapes[char] ?? `\\u00${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    ),
  urlquery: (...values) =>
    encodeURIComponent(spaced(values))
      .replace(/%20/g, '+')
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  json: (value) => toJson(value),
  join: (list, separator = '') =>
    Array.isArray(list) ? list.map(text).join(text(separator)) : bad(`join: ${printed(list)} is not a list`),
  split: (value, separator) => text(value).split(text(separator)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) =>
    text(value).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_all, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  trim: (value) => text(value).trim(),
  pad: (value, before, after) => {
    const inner = text(value);
    return inner === '' ? inner : ' '.repeat(whole(before)) + inner + ' '.repeat(whole(after));
  },
  truncate: (value, width) => [...text(value)].slice(0, whole(width)).join(''),
};

/** Those that take more arguments than they name. */
const variadic = new Set(['eq', 'index', 'slice', 'print', 'println', 'printf', 'html', 'js', 'urlquery', 'join']);

/** Call a function of `functions`, with Go's check of how many arguments it takes. */
export function callFunction(name: string, target: TemplateFunction, args: readonly Value[]): Value {
  const wanted = target.length;
  if (args.length < wanted || (args.length > wanted && !variadic.has(name))) {
    bad(`want ${wanted}${variadic.has(name) ? ' at least' : ''}, got ${args.length}`);
  }
  return target(...args);
}

/** `and`, `or` stop at the first argument that decides; exec.ts evaluates their arguments one by one. */
export const lazyFunctions: ReadonlyMap<string, (value: Value) => boolean> = new Map([
  ['and', (value: Value) => !isTrue(value)],
  ['or', (value: Value) => isTrue(value)],
]);

export const functionNames: ReadonlySet<string> = new Set([...Object.keys(functions), ...lazyFunctions.keys()]);

const htmlEscapes: Record<string, string> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&#39;',
  '"': '&#34;',
  '\0': '\uFFFD',
};
const jsEscapes: Record<string, string> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
};

/** fmt.Sprint: a space between two operands when neither is a string. */
function spaced(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      const apart = index > 0 && typeof value !== 'string' && typeof before !== 'string';
      return (apart ? ' ' : '') + printed(value);
    })
    .join('');
}

function equal(a: Value, b: Value): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    return bad('non-comparable types in comparison');
  }
  if (a !== null && a !== undefined && b !== null && b !== undefined && typeof a !== typeof b) {
    return bad('incompatible types for comparison');
  }
  return false;
}

function order(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  return bad('incompatible types for comparison');
}

function length(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isRecord(value)) return Object.keys(value).length;
  return value === null || value === undefined ? 0 : bad(`len of ${printed(value)}`);
}

function indexed(value: Value, key: Value): Value {
  if (Array.isArray(value) || typeof value === 'string') {
    const at = whole(key);
    if (at < 0 || at >= value.length) bad(`index out of range: ${at}`);
    return typeof value === 'string' ? value.charCodeAt(at) : value[at];
  }
  if (isRecord(value)) return Object.hasOwn(value, text(key)) ? value[text(key)] : undefined;
  return value === null || value === undefined ? bad('index of untyped nil') : bad(`can't index ${printed(value)}`);
}

function sliced(value: Value, from: number, to: number | undefined): Value {
  if (typeof value !== 'string' && !Array.isArray(value)) return bad(`can't slice ${printed(value)}`);
  if (from < 0 || from > value.length || (to !== undefined && (to < from || to > value.length))) {
    return bad(`index out of range: ${to ?? from}`);
  }
  return value.slice(from, to);
}
