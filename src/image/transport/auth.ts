/**
 * How a registry is satisfied that we may: the WWW-Authenticate challenge (RFC 9110 section 11), Basic, and the token
 * server of the distribution project ("Token Authentication Specification", "OAuth2 token exchange").
 */
import { CtrError } from '../../base/ctr-error.ts';
import { object, optional, parseJson, string, unknown } from '../../oci/check.ts';
import type { Credentials } from './credentials.ts';
import type { HttpClient } from './http-client.ts';
import { TransportError } from './transport-error.ts';

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface AuthenticatorOptions {
  readonly http: HttpClient;
  /** Host with port, for messages. */
  readonly registry: string;
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Credentials may go to a token server without TLS: the registry itself is reached so. */
  readonly isInsecure: boolean;
  readonly now?: () => number;
}

export interface Authenticator {
  /** The Authorization header for `scope`, as far as earlier challenges tell; undefined: ask without. */
  header(scope: string): Promise<string | undefined>;
  /** Take note of a 401; true when `header` has something new to offer for `scope`. */
  challenged(scope: string, wwwAuthenticate: string | undefined): Promise<boolean>;
}

interface Token {
  readonly text: string;
  readonly expiresAtMs: number;
}

const maxTokenAnswerBytes = 1024 * 1024;
/** "Token Authentication Specification": a server that names no life time means 60 seconds. */
const defaultLifeSeconds = 60;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const now = options.now ?? Date.now;
  const tokens = new Map<string, Promise<Token>>();
  let basic: string | undefined;
  let bearer: Challenge | undefined;

  async function tokenFor(scope: string, challenge: Challenge): Promise<string> {
    const known = tokens.get(scope);
    if (known !== undefined) {
      const token = await known;
      if (token.expiresAtMs > now()) return token.text;
      if (tokens.get(scope) === known) tokens.delete(scope);
      return tokenFor(scope, challenge);
    }
    const fetching = fetchToken(options, challenge, scope, now);
    tokens.set(scope, fetching);
    fetching.catch(() => tokens.delete(scope));
    return (await fetching).text;
  }

  return {
    async header(scope) {
      if (bearer !== undefined) return `Bearer ${await tokenFor(scope, bearer)}`;
      return basic;
    },
    async challenged(scope, wwwAuthenticate) {
      const challenges = parseChallenges(wwwAuthenticate ?? '');
      const offered = challenges.find(({ scheme }) => scheme === 'bearer');
      if (offered !== undefined) {
        bearer = offered;
        tokens.delete(scope);
        return true;
      }
      if (!challenges.some(({ scheme }) => scheme === 'basic')) return false;
      const credentials = await options.credentials();
      if (credentials === undefined || !('username' in credentials)) return false;
      const header = basicHeader(credentials);
      if (header === basic) return false;
      basic = header;
      return true;
    },
  };
}

/** Parse a WWW-Authenticate header; several challenges may stand in one, and what cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Array<{ scheme: string; parameters: Record<string, string> }> = [];
  const piece = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;
  for (let at = 0; at < header.length; ) {
    piece.lastIndex = at;
    const match = piece.exec(header);
    if (match === null) {
      at++;
      continue;
    }
    at = piece.lastIndex;
    const [, name = '', quoted, bare] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? bare;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
  }
  return challenges;
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function fetchToken(
  options: AuthenticatorOptions,
  challenge: Challenge,
  scope: string,
  now: () => number,
): Promise<Token> {
  const credentials = await options.credentials();
  const { realm = '', service } = challenge.parameters;
  const url = realmUrl(realm, options, credentials !== undefined);
  const scopes = scope === '' ? (challenge.parameters.scope ?? '').split(' ').filter(Boolean) : scope.split(' ');
  const response = await options.http.send(
    credentials !== undefined && 'identityToken' in credentials
      ? { method: 'POST', url, ...refreshForm(credentials.identityToken, service, scopes) }
      : { method: 'GET', url: withQuery(url, service, scopes), headers: basicOf(credentials) },
  );
  const content = await response.bytes(maxTokenAnswerBytes);
  if (response.status !== 200) throw tokenRefused(options.registry, url, response.status, credentials !== undefined);
  const answer = parseJson(content, `the token server of ${options.registry}`, tokenAnswer);
  const text = answer.token || answer.access_token;
  // A token goes into a header: nothing but the characters of RFC 6750 "b64token" (and tolerated: any printable).
  if (!text || !/^[\x21-\x7e]+$/.test(text)) {
    throw new CtrError('UNAUTHORIZED', `the token server of ${options.registry} sent no token`);
  }
  const lifeSeconds = typeof answer.expires_in === 'number' ? answer.expires_in : defaultLifeSeconds;
  // A request that begins with the token must also end with it: renew early.
  return { text, expiresAtMs: now() + Math.max(lifeSeconds * 0.8, 5) * 1000 };
}

const tokenAnswer = object({
  token: optional(string),
  access_token: optional(string),
  expires_in: optional(unknown),
});

function realmUrl(realm: string, options: AuthenticatorOptions, hasCredentials: boolean): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CtrError('UNAUTHORIZED', `${options.registry} names no valid token server`);
  }
  if (url.protocol === 'http:' && hasCredentials && !options.isInsecure) {
    throw new CtrError('UNAUTHORIZED', `${options.registry} asks to send credentials without TLS to ${url.host}`);
  }
  url.username = '';
  url.password = '';
  return url;
}

function withQuery(realm: URL, service: string | undefined, scopes: readonly string[]): URL {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return url;
}

function basicOf(credentials: Credentials | undefined): Record<string, string> {
  return credentials !== undefined && 'username' in credentials ? { Authorization: basicHeader(credentials) } : {};
}

function refreshForm(identityToken: string, service: string | undefined, scopes: readonly string[]) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: service ?? '',
    client_id: 'ctr',
    scope: scopes.join(' '),
    refresh_token: identityToken,
  });
  return { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: form.toString() };
}

function tokenRefused(registry: string, url: URL, status: number, hadCredentials: boolean): TransportError {
  if (status === 429 || status >= 500) {
    return new TransportError('NETWORK', `the token server ${url.host} of ${registry} answered ${status}`, {
      retryable: true,
      status,
    });
  }
  const reason = hadCredentials ? 'invalid username/password' : 'authentication required';
  return new TransportError('UNAUTHORIZED', `${registry}: ${reason}`, {
    retryable: false,
    status,
    hint: `ctr login ${registry}`,
  });
}
