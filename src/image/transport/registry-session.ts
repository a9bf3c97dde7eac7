/**
 * A conversation with one registry: finds out how it is reached (https, or http where that is allowed), answers its
 * challenges, and turns its refusals into errors that say what the user can do.
 */
import { CtrError } from '../../base/ctr-error.ts';
import { array, object, optional, parseJson, string } from '../../oci/check.ts';
import { type Authenticator, createAuthenticator } from './auth.ts';
import type { Credentials } from './credentials.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';
import { parseRetryAfter, type RetryDeps, type RetryPolicy, withRetries } from './retry.ts';
import { mayBePlainHttp, shownUrl, TransportError } from './transport-error.ts';

export interface SessionOptions {
  /** Host with port, as in image names: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** TLS certificates are not checked, and http is tried after https. */
  readonly insecure: boolean;
  readonly http: HttpClient;
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly retry: RetryPolicy;
  readonly retryDeps?: RetryDeps;
}

export interface RegistryCall {
  readonly method: HttpRequest['method'];
  /** `/v2/…` with query, or the absolute URL that a Location header gave. */
  readonly target: string | URL;
  /** `repository:NAME:pull,push`, several separated by a space; empty: what the challenge names. */
  readonly scope: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function where the body is a stream: every attempt needs a new one. */
  readonly body?: Buffer | (() => NonNullable<HttpRequest['body']>);
  /** Statuses that are answers; all others throw. */
  readonly accept: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

export interface RegistrySession {
  readonly registry: string;
  /** One exchange, its 401 answered; failures are thrown as they come. */
  once(call: RegistryCall): Promise<HttpResponse>;
  /** The same with retries: for calls that may be repeated without harm. */
  request(call: RegistryCall): Promise<HttpResponse>;
}

/** The registry of Docker's default domain listens under another name (distribution's registry/config.go). */
const apiHosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export function openSession(options: SessionOptions): RegistrySession {
  const apiHost = apiHosts[options.registry] ?? options.registry;
  const authenticator = createAuthenticator({
    http: options.http,
    registry: options.registry,
    credentials: options.credentials,
    isInsecure: mayUsePlainHttp(options),
  });
  let scheme: 'https' | 'http' | undefined;

  async function once(call: RegistryCall): Promise<HttpResponse> {
    const schemes = scheme !== undefined ? [scheme] : mayUsePlainHttp(options) ? secureThenPlain : secureOnly;
    for (const [at, candidate] of schemes.entries()) {
      try {
        const url = targetUrl(call.target, `${candidate}://${apiHost}`);
        const response = await authorized(call, url, url.host === apiHost ? authenticator : undefined, options);
        scheme ??= candidate;
        return accepted(call, response, options.registry);
      } catch (error) {
        const isLast = at === schemes.length - 1;
        // Another call may have found out meanwhile that it is http: then this one goes on to that.
        if (isLast || scheme === candidate || !mayBePlainHttp(error)) throw error;
      }
    }
    throw new CtrError('INTERNAL', 'no scheme to reach the registry by');
  }

  return {
    registry: options.registry,
    once,
    request: (call) => withRetries(options.retry, { ...options.retryDeps, signal: call.signal }, () => once(call)),
  };
}

const secureOnly = ['https'] as const;
const secureThenPlain = ['https', 'http'] as const;

/** Loopback is as private without TLS: test registries and tunnels are reached so, as in Docker. */
function mayUsePlainHttp({ registry, insecure }: SessionOptions): boolean {
  return insecure || /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(registry);
}

/** A Location on the registry's own host is taken with the scheme that works: proxies in front often lie about it. */
function targetUrl(target: string | URL, base: string): URL {
  const url = new URL(target, base);
  if (url.host === new URL(base).host) url.protocol = new URL(base).protocol;
  return url;
}

async function authorized(
  call: RegistryCall,
  url: URL,
  authenticator: Authenticator | undefined,
  options: SessionOptions,
): Promise<HttpResponse> {
  const attempt = async () => {
    const authorization = await authenticator?.header(call.scope);
    return options.http.send({
      method: call.method,
      url,
      headers: { ...call.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) },
      ...(call.body === undefined ? {} : { body: typeof call.body === 'function' ? call.body() : call.body }),
      signal: call.signal,
    });
  };
  const first = await attempt();
  if (first.status !== 401 || authenticator === undefined || first.url.host !== url.host) return first;
  if (!(await authenticator.challenged(call.scope, first.header('www-authenticate')))) return first;
  await first.discard();
  return attempt();
}

async function accepted(call: RegistryCall, response: HttpResponse, registry: string): Promise<HttpResponse> {
  if (call.accept.includes(response.status)) return response;
  const told = await registryErrors(response);
  const { status } = response;
  const reason = `${status}${told === '' ? '' : ` (${told})`}`;
  const what = `${call.method} ${shownUrl(response.url)}: ${reason}`;
  if (status === 401) {
    throw new TransportError('UNAUTHORIZED', `${registry}: authentication required${told === '' ? '' : `: ${told}`}`, {
      retryable: false,
      status,
      hint: `ctr login ${registry}; a repository that does not exist may look like this, too`,
    });
  }
  if (status === 403)
    throw new TransportError('DENIED', `${registry}: access denied: ${what}`, { retryable: false, status });
  if (status === 404) throw new TransportError('NOT_FOUND', what, { retryable: false, status });
  throw new TransportError('NETWORK', what, {
    // 408 Request Timeout, 425 Too Early, 429 Too Many Requests; 501 and 505 do not change.
    retryable: [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505),
    status,
    retryAfterMs: parseRetryAfter(response.header('retry-after'), Date.now()),
    hint:
      status === 429
        ? `${registry} limits how much is pulled: ctr login, a mirror in registries.conf, or wait`
        : undefined,
  });
}

const errorsShape = object({
  errors: optional(array(object({ code: optional(string), message: optional(string) }))),
});

/** distribution-spec "Error Codes", made fit for a terminal: the text comes from a stranger. */
async function registryErrors(response: HttpResponse): Promise<string> {
  try {
    const content = await response.bytes(64 * 1024);
    const { errors = [] } = parseJson(content, 'answer', errorsShape);
    const texts = errors.map(({ code, message }) => message || code || '').filter(Boolean);
    return texts
      .join('; ')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 300);
  } catch {
    return '';
  }
}
