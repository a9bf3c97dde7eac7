/**
 * The one error class. `message` says what failed and on what (lower case, no final dot), `hint` what the user
 * can do next, `cause` keeps the reason (often a SyscallError). Text is printed only by cli/report-error.ts.
 */
export type ErrorCode =
  | 'USAGE'
  | 'NOT_FOUND'
  | 'IN_USE'
  | 'EXISTS'
  | 'INVALID'
  | 'UNSUPPORTED'
  | 'DENIED'
  | 'UNAUTHORIZED'
  | 'NETWORK'
  | 'VERIFY'
  | 'ESCAPE'
  | 'NO_SPACE'
  | 'USERNS'
  | 'START'
  | 'NOT_EXECUTABLE'
  | 'COMMAND_NOT_FOUND'
  | 'STATE'
  | 'INTERNAL';

export interface ErrorDetails {
  /** What the user can do next: one line. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** The process' exit code; 125 ("the tool itself failed", podman-run(1) "Exit Status") when absent. */
  readonly exitCode?: number | undefined;
}

export class CtrError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'CtrError';
    this.code = code;
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? 125;
  }
}

/** The errno name (`ENOENT`) that a Node or syscall error carries, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
