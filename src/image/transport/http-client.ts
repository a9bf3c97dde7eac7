/**
 * HTTP for registries: the one module that talks to the network (node-fetch, loaded with this file's first request).
 *
 * Should:  keep connections alive, follow redirects without giving the Authorization header to another host, give up
 *          on silent peers, and report failures as TransportError.
 * Mustn't: know about registries, tokens or retries, or put a query or a header into an error or a log line.
 */
import type { Agent as HttpAgent } from 'node:http';
import type { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { connectionError, shownUrl, TransportError } from './transport-error.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Streams are sent with the Content-Length header given; they cannot be redirected. */
  readonly body?: Buffer | Readable | string;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** The URL that answered, after redirects. */
  readonly url: URL;
  header(name: string): string | undefined;
  /** The body as it comes; a broken connection and a silent one end it with a TransportError. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The whole body; throws when it is longer than `maxBytes`. */
  bytes(maxBytes: number): Promise<Buffer>;
  /** Read a short body to its end, so that the connection can be used again. */
  discard(): Promise<void>;
}

export interface HttpClientOptions {
  readonly host: Host;
  /** Whether certificates of `registry` (host with port) are not to be checked. */
  readonly isInsecure: (registry: string) => boolean;
  /** `--cert-dir`: replaces the certs.d search. */
  readonly certDir?: string | undefined;
  /** No byte for so long ends an exchange. */
  readonly idleTimeoutMs?: number | undefined;
}

export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Closes idle connections; the process could not end before. */
  close(): void;
}

const maxRedirects = 8;
const defaultIdleTimeoutMs = 60_000;
const credentialHeaders = /^(authorization|cookie|proxy-authorization)$/i;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const agents = new Map<string, Promise<HttpAgent>>();
  const agentFor = (url: URL) => {
    const key = `${url.protocol}//${url.host}`;
    const known = agents.get(key) ?? createAgent(url, options);
    agents.set(key, known);
    return known;
  };
  const idleMs = options.idleTimeoutMs ?? defaultIdleTimeoutMs;
  return {
    async send(request) {
      let current = request;
      for (let hops = 0; ; hops++) {
        const response = await exchange(current, await agentFor(current.url), idleMs);
        options.host.log.debug(`${current.method} ${shownUrl(current.url)}: ${response.status}`);
        const next = redirected(current, response, options);
        if (next === undefined) return response;
        if (hops >= maxRedirects) throw refusal(current, 'too many redirects');
        await response.discard();
        current = next;
      }
    },
    close() {
      for (const agent of agents.values()) agent.then((one) => one.destroy()).catch(() => undefined);
    },
  };
}

async function createAgent(url: URL, options: HttpClientOptions): Promise<HttpAgent> {
  // Proxies (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) are the agent's own work in the Node that is shipped with ctr.
  const shared = { keepAlive: true, maxSockets: 16, proxyEnv: { ...options.host.env }, timeout: 0 };
  if (url.protocol === 'http:') {
    const { Agent } = await import('node:http');
    return new Agent(shared);
  }
  const [{ Agent }, { tlsContextFor }] = await Promise.all([import('node:https'), import('./tls.ts')]);
  const secureContext: SecureContext = tlsContextFor(options.host, url.host, options.certDir);
  return new Agent({ ...shared, secureContext, rejectUnauthorized: !options.isInsecure(url.host) });
}

async function exchange(request: HttpRequest, agent: HttpAgent, idleMs: number): Promise<HttpResponse> {
  const { default: fetch } = await import('node-fetch');
  const what = `${request.method} ${shownUrl(request.url)}`;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), idleMs);
  try {
    const response = await fetch(request.url.href, {
      method: request.method,
      // Layers must arrive as they are stored, and node-fetch must not unpack what a server says it packed.
      compress: false,
      headers: { 'User-Agent': 'ctr', 'Accept-Encoding': 'identity', ...request.headers },
      redirect: 'manual',
      agent,
      signal: request.signal === undefined ? silence.signal : AbortSignal.any([silence.signal, request.signal]),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const body = response.body as Readable | null;
    const header = (name: string) => response.headers.get(name) ?? undefined;
    return { status: response.status, url: request.url, header, ...bodyReaders(what, body, idleMs, request.signal) };
  } catch (error) {
    request.signal?.throwIfAborted();
    if (silence.signal.aborted) throw new TransportError('NETWORK', silent(what, idleMs), { retryable: true });
    throw connectionError(what, error);
  } finally {
    clearTimeout(timer);
  }
}

function bodyReaders(what: string, body: Readable | null, idleMs: number, signal: AbortSignal | undefined) {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    const timeout = new TransportError('NETWORK', silent(what, idleMs), { retryable: true });
    const timer = setTimeout(() => body.destroy(timeout), idleMs);
    const stop = () => body.destroy(new CtrError('STATE', `${what}: cancelled`));
    signal?.addEventListener('abort', stop);
    try {
      for await (const chunk of body) {
        timer.refresh();
        yield chunk;
      }
    } catch (error) {
      throw connectionError(what, error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }
  async function bytes(maxBytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of chunks()) {
      length += chunk.length;
      if (length > maxBytes) throw new CtrError('INVALID', `${what}: the answer is larger than ${maxBytes} bytes`);
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }
  const discard = () => bytes(64 * 1024).then(noop, () => void body?.destroy());
  return { chunks, bytes, discard };
}

function noop(): void {}

function silent(what: string, idleMs: number): string {
  return `${what}: no answer for ${Math.round(idleMs / 1000)} s`;
}

/** The request that a redirect asks for, or undefined when `response` is an answer. */
function redirected(request: HttpRequest, response: HttpResponse, options: HttpClientOptions): HttpRequest | undefined {
  const location = [301, 302, 303, 307, 308].includes(response.status) ? response.header('location') : undefined;
  if (location === undefined) return undefined;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw refusal(request, 'the registry redirects an upload');
  const url = URL.canParse(location, request.url) ? new URL(location, request.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refusal(request, 'redirect to an invalid address');
  if (request.url.protocol === 'https:' && url.protocol === 'http:' && !options.isInsecure(request.url.host)) {
    throw refusal(request, `redirect from https to http://${url.host}`);
  }
  if (url.host === request.url.host && url.protocol === request.url.protocol) return { ...request, url };
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => !credentialHeaders.test(name));
  return { ...request, url, headers: Object.fromEntries(headers) };
}

function refusal(request: HttpRequest, reason: string): TransportError {
  return new TransportError('NETWORK', `${request.method} ${shownUrl(request.url)}: ${reason}`, { retryable: false });
}
