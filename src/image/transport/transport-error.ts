/**
 * An exchange with a registry that failed. `retryable` says whether the same request may succeed later; the text
 * shows method, host and path only: queries (signed URLs), headers and credentials never get into an error.
 */
import { CtrError, type ErrorCode, errnoOf } from '../../base/ctr-error.ts';

interface TransportErrorDetails {
  readonly retryable: boolean;
  readonly status?: number | undefined;
  /** What Retry-After asked for. */
  readonly retryAfterMs?: number | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class TransportError extends CtrError {
  readonly retryable: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: TransportErrorDetails) {
    super(code, message, { hint: details.hint, cause: details.cause });
    this.retryable = details.retryable;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** A URL as errors and logs may show it. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'connection closed by peer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'temporary failure in name resolution',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ERR_STREAM_PREMATURE_CLOSE: 'connection closed before the end',
};

/** TLS failures that another attempt cannot mend (names from OpenSSL's X509_verify_cert_error_string). */
const trustFailure = /CERT|SIGNED|ISSUER|ALTNAME|UNABLE_TO_VERIFY/;
const tlsFailure = /^ERR_(SSL|TLS)_|^EPROTO$|^ERR_OSSL_/;

/** Whether plain http may work where https failed so: nobody listens there, or somebody who speaks no TLS. */
export function mayBePlainHttp(error: unknown): boolean {
  const code = error instanceof TransportError ? errnoOf(error.cause) : undefined;
  return code !== undefined && (tlsFailure.test(code) || code === 'ECONNREFUSED' || code === 'ECONNRESET');
}

/** Turn what a request or a body stream threw into a TransportError about `what` (`GET https://…`). */
export function connectionError(what: string, error: unknown): CtrError {
  if (error instanceof CtrError) return error;
  const code = errnoOf(error) ?? '';
  const cause = Object.assign(new Error(plainReason(error)), { code });
  if (trustFailure.test(code)) {
    return new TransportError('NETWORK', `${what}: ${plainReason(error)}`, {
      retryable: false,
      cause,
      hint: "put the registry's CA certificate into certs.d/HOST[:PORT]/ca.crt, or use --tls-verify=false",
    });
  }
  const isTls = tlsFailure.test(code);
  const reason = isTls
    ? 'the server does not speak TLS, or no version in common'
    : (reasons[code] ?? plainReason(error));
  return new TransportError('NETWORK', `${what}: ${reason}`, {
    retryable: !isTls && code !== 'ENOTFOUND',
    cause,
    hint: isTls ? 'use --tls-verify=false, or mark the registry as insecure in registries.conf' : undefined,
  });
}

/** node-fetch puts the whole URL, with its query, before `reason: `. */
function plainReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(message.lastIndexOf('reason: ') + (message.includes('reason: ') ? 'reason: '.length : 1)).trim();
}
