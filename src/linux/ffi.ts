/**
 * The one door to libc: the only file that touches ffi-rs, and the only one that reads errno.
 *
 * The platform package's native file is loaded directly: ffi-rs' own index.js asks process.report for the libc
 * first, which takes 5 ms of every start. ffi-rs reports a stale errno after a success, so errno is looked at
 * only when the call returned -1 (or NULL's counterpart, MAP_FAILED).
 */
import { existsSync } from 'node:fs';
import { ERRNO } from './constants.ts';

/** A C argument or result type; the numbers are ffi-rs' DataType. */
const types = { str: 0, i32: 1, i64: 8, buf: 10, void: 7 } as const;
export type CType = keyof typeof types;
export type CValue = string | number | Uint8Array;

/** ffi-rs' tag for "an array of this type and length"; its own JavaScript adds the same to each buffer argument. */
const ARRAY_TAG = 997;
type NativeType = number | { readonly ffiTypeTag: number; readonly type: number; readonly length: number };

interface Native {
  open(library: { library: string; path: string }): void;
  load(call: {
    library: string;
    funcName: string;
    retType: number;
    paramsType: readonly NativeType[];
    paramsValue: readonly CValue[];
    errno: boolean;
    runInNewThread: boolean;
    freeResultMemory: boolean;
  }): { value: number; errnoCode: number };
}

const opened = new Set<string>();
let native: Native | undefined;

function loadNative(): Native {
  const module = { exports: {} as Native };
  process.dlopen(module, nativeFile());
  return module.exports;
}

/** Beside ctr's own files, or beside the package of ctr; else wherever Node finds it, which takes 1 ms. */
function nativeFile(): string {
  const folder = `ffi-rs-linux-${process.arch}-gnu`;
  const file = `${folder}/ffi-rs.linux-${process.arch}-gnu.node`;
  const root = `${import.meta.dirname}/..`;
  for (const place of [`${root}/node_modules/@yuuang`, `${root}/../@yuuang`]) {
    if (existsSync(`${place}/${file}`)) return `${place}/${file}`;
  }
  const { createRequire } = process.getBuiltinModule('node:module');
  const inFfi = createRequire(createRequire(import.meta.url).resolve('ffi-rs'));
  return inFfi.resolve(`@yuuang/${folder}`);
}

/** A call has been made before: the next one costs no loading. */
export const hasLibc = (): boolean => native !== undefined;

/** Call `name` in `library` (a soname); returns its value and the errno that it left (meaningful after -1 only). */
export function callIn(
  library: string,
  name: string,
  result: CType,
  args: ReadonlyArray<readonly [CType, CValue]>,
): { value: number; errno: number } {
  native ??= loadNative();
  if (!opened.has(library)) {
    native.open({ library, path: library });
    opened.add(library);
  }
  const answer = native.load({
    library,
    funcName: name,
    retType: types[result],
    paramsType: args.map(nativeType),
    paramsValue: args.map(([, value]) => value),
    errno: true,
    runInNewThread: false,
    freeResultMemory: false,
  });
  return { value: answer.value, errno: answer.errnoCode };
}

function nativeType([type, value]: readonly [CType, CValue]): NativeType {
  if (typeof value === 'string' || typeof value === 'number') return types[type];
  return { ffiTypeTag: ARRAY_TAG, type: types[type], length: value.length };
}

let errnoNames: ReadonlyMap<number, string> | undefined;

/** `ENOENT` for 2; `errno 1234` for a number that has no name. */
export function errnoName(errno: number): string {
  const usual = Object.entries(ERRNO).find(([, value]) => value === errno);
  if (usual) return usual[0];
  // Where a number has two names the first one wins, as in libuv: EAGAIN (EWOULDBLOCK), ENOTSUP (EOPNOTSUPP).
  const known = () => Object.entries(process.getBuiltinModule('node:os').constants.errno).reverse();
  errnoNames ??= new Map(known().map(([name, value]) => [value, name]));
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

/** A system call that failed; prints as the call: `mount("proc", "/proc", …) = EPERM`. */
export class SyscallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly call: string;

  constructor(call: string, errno: number) {
    super(`${call} = ${errnoName(errno)}`);
    this.name = 'SyscallError';
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

/** Call libc's `name`; throws a SyscallError that shows the call when it returns -1. Returns the C result. */
export function libc(name: string, result: 'i32' | 'i64', ...args: ReadonlyArray<readonly [CType, CValue]>): number {
  const { value, errno } = callIn('libc.so.6', name, result, args);
  if (value === -1) throw new SyscallError(`${name}(${args.map(([, value]) => show(value)).join(', ')})`, errno);
  return value;
}

function show(value: CValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' ? String(value) : `<${value.length} bytes>`;
}

/** A NUL-terminated copy of a path or name; keeps bytes that are not UTF-8. */
export function cstr(text: string | Uint8Array): Buffer {
  return Buffer.concat([typeof text === 'string' ? Buffer.from(text) : text, Buffer.of(0)]);
}
