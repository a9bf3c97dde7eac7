/** What the client and the worker in the user namespace say to each other: one JSON object per line. */
import { CtrError, type ErrorCode } from '../../base/ctr-error.ts';
import {
  array,
  type Check,
  type Checked,
  integer,
  literal,
  natural,
  object,
  optional,
  parsed,
  string,
  union,
} from '../../oci/check.ts';
import { parseDigest } from '../../oci/digest.ts';

const begin = object({
  op: literal('begin'),
  id: natural,
  /** Relative to the data root, which is the worker's root directory. */
  archive: string,
  compression: literal('none', 'gzip', 'zstd'),
  /** The layer's staging directory, relative to the data root: gets `diff/`, and `owners` in single-id mode. */
  target: string,
  /** Absent: told when the archive is finished. */
  diffId: optional(parsed(parseDigest)),
  owners: literal('mapped', 'single'),
});

const progress = object({ op: literal('grown'), id: natural, bytes: natural });
const finish = object({
  op: literal('finished'),
  id: natural,
  bytes: natural,
  diffId: optional(parsed(parseDigest)),
});
const abort = object({ op: literal('aborted'), id: natural });

export type BeginRequest = Checked<typeof begin>;
export type WorkerRequest = BeginRequest | Checked<typeof progress> | Checked<typeof finish> | Checked<typeof abort>;
export const workerRequest: Check<WorkerRequest> = union(union(begin, progress), union(finish, abort));

const unpacked = object({
  id: natural,
  ok: literal(true),
  bytes: natural,
  sizeBytes: natural,
  entries: natural,
  skippedDevices: natural,
  warnings: array(string),
});

const refused = object({
  id: natural,
  ok: literal(false),
  error: object({ code: string, message: string, hint: optional(string), exitCode: integer }),
});

export type UnpackedAnswer = Checked<typeof unpacked>;
export type RefusedAnswer = Checked<typeof refused>;
export type WorkerAnswer = UnpackedAnswer | RefusedAnswer;
export const workerAnswer: Check<WorkerAnswer> = union(unpacked, refused);

const errorCodes: Readonly<Record<string, ErrorCode>> = {
  INVALID: 'INVALID',
  UNSUPPORTED: 'UNSUPPORTED',
  DENIED: 'DENIED',
  VERIFY: 'VERIFY',
  ESCAPE: 'ESCAPE',
  NO_SPACE: 'NO_SPACE',
  STATE: 'STATE',
};

/** An error as it crosses the pipe: its cause becomes part of the text, because only text crosses. */
export function describeError(error: unknown): RefusedAnswer['error'] {
  const known = error instanceof CtrError ? error : new CtrError('INTERNAL', 'unpacking failed', { cause: error });
  const { code, hint, exitCode, cause } = known;
  const message = cause instanceof Error ? `${known.message}: ${cause.message}` : known.message;
  return hint === undefined ? { code, message, exitCode } : { code, message, hint, exitCode };
}

export function restoreError({ code, message, hint, exitCode }: RefusedAnswer['error']): CtrError {
  return new CtrError(errorCodes[code] ?? 'INTERNAL', message, { hint, exitCode });
}

/** Cut a stream of bytes into lines; a line may come in pieces. */
export async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of input) {
    const lines = (rest + piece.toString()).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}
