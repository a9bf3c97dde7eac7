/**
 * A registry as the internet has them: an HTTP proxy in front of a real one on loopback that misbehaves as told.
 * Each fault is used up by the requests that it matches, in order; everything else passes unchanged.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** Answer without asking the registry. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** TCP reset after so many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** End the body early, with a Content-Length that agrees: only the content tells. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** More in the body than the blob has. */
  | { readonly kind: 'append'; readonly text: string }
  /** Change one byte. */
  | { readonly kind: 'lie'; readonly atByte: number }
  /** As a registry without range requests: all of it with 200. */
  | { readonly kind: 'ignore-range' }
  /** Keep silent, in the middle of the body. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Break the connection while the request's body comes in. */
  | { readonly kind: 'reset-upload'; readonly afterBytes: number }
  | { readonly kind: 'header'; readonly name: string; readonly value: string };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface FaultProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly SeenRequest[];
  /** Apply `fault` to the next `times` requests whose `METHOD /path` matches. */
  inject(matching: RegExp, fault: Fault, times?: number): void;
  stop(): Promise<void>;
}

interface Armed {
  readonly matching: RegExp;
  readonly fault: Fault;
  left: number;
}

export async function startFaultProxy(registryHost: string): Promise<FaultProxy> {
  const requests: SeenRequest[] = [];
  const armed: Armed[] = [];
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming;
    requests.push({ method, url, range: headers.range, authorization: headers.authorization });
    const hit = armed.find(({ matching, left }) => left > 0 && matching.test(`${method} ${url}`));
    if (hit) hit.left--;
    forward(registryHost, incoming, answer, hit?.fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    inject: (matching, fault, times = 1) => void armed.push({ matching, fault, left: times }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function forward(registryHost: string, incoming: IncomingMessage, answer: ServerResponse, fault: Fault | undefined) {
  if (fault?.kind === 'status') {
    incoming.resume();
    answer.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    return;
  }
  const headers = { ...incoming.headers };
  if (fault?.kind === 'ignore-range') delete headers.range;
  const [hostname, port] = registryHost.split(':');
  const outgoing = request({ hostname, port, method: incoming.method, path: incoming.url, headers }, (response) => {
    relay(response, answer, fault);
  });
  outgoing.on('error', () => answer.destroy());
  let sent = 0;
  incoming.on('data', (chunk: Buffer) => {
    sent += chunk.length;
    if (fault?.kind === 'reset-upload' && sent > fault.afterBytes) {
      incoming.socket.resetAndDestroy();
      outgoing.destroy();
      return;
    }
    outgoing.write(chunk);
  });
  incoming.on('end', () => outgoing.end());
}

function relay(response: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
  const headers = { ...response.headers };
  const length = Number(headers['content-length'] ?? 0);
  if (fault?.kind === 'header') headers[fault.name] = fault.value;
  if (fault?.kind === 'truncate') headers['content-length'] = String(Math.min(length, fault.afterBytes));
  if (fault?.kind === 'append') headers['content-length'] = String(length + fault.text.length);
  answer.writeHead(response.statusCode ?? 500, headers);
  let passed = 0;
  response.on('data', (chunk: Buffer) => {
    const start = passed;
    passed += chunk.length;
    if (fault?.kind === 'lie' && fault.atByte >= start && fault.atByte < passed) {
      const at = fault.atByte - start;
      chunk.writeUInt8(chunk.readUInt8(at) ^ 0xff, at);
    }
    const limit = fault !== undefined && 'afterBytes' in fault ? fault.afterBytes : Number.POSITIVE_INFINITY;
    if (start < limit) answer.write(chunk.subarray(0, Math.max(0, limit - start)));
    if (passed >= limit && fault?.kind === 'reset') {
      response.destroy();
      // What was written must leave before the reset, or the client sees none of it.
      setTimeout(() => answer.socket?.resetAndDestroy(), 50);
    }
  });
  response.on('end', () => {
    if (fault?.kind === 'append') answer.write(fault.text);
    if (fault?.kind !== 'stall') answer.end();
  });
  response.on('error', () => undefined);
}
