import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuthenticator, parseChallenges } from '../../../../src/image/transport/auth.ts';
import type { Credentials } from '../../../../src/image/transport/credentials.ts';
import type { HttpClient, HttpRequest } from '../../../../src/image/transport/http-client.ts';

describe('parseChallenges [U] RFC 9110 section 11.6.1', () => {
  it.each([
    ['Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    [
      'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' },
        },
      ],
    ],
    [
      'Basic realm="a, b", Bearer realm="c" , error=invalid_token',
      [
        { scheme: 'basic', parameters: { realm: 'a, b' } },
        { scheme: 'bearer', parameters: { realm: 'c', error: 'invalid_token' } },
      ],
    ],
    ['Bearer realm="say \\"hi\\""', [{ scheme: 'bearer', parameters: { realm: 'say "hi"' } }]],
    ['', []],
  ])('reads %s', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));
  });
});

/** A token server: answers every request with `answer`, and remembers what it was asked. */
function tokenServer(answer: { status: number; body: string }) {
  const asked: HttpRequest[] = [];
  const http: HttpClient = {
    async send(request) {
      asked.push(request);
      const content = Buffer.from(answer.body);
      return {
        status: answer.status,
        url: request.url,
        header: () => undefined,
        async *chunks() {
          yield content;
        },
        bytes: async () => content,
        discard: async () => undefined,
      };
    },
    close: () => undefined,
  };
  return { asked, http };
}

const challenge = 'Bearer realm="https://auth.example/token",service="reg"';
const scope = 'repository:a:pull';

function authenticatorWith(http: HttpClient, credentials: Credentials | undefined, now = () => 0, isInsecure = false) {
  return createAuthenticator({ http, registry: 'reg.example', credentials: async () => credentials, isInsecure, now });
}

describe('createAuthenticator [U] distribution "Token Authentication"', () => {
  it('asks for a token once per scope and renews it before it ends', async () => {
    let time = 0;
    const server = tokenServer({ status: 200, body: '{"token":"t1","expires_in":100}' });
    const authenticator = authenticatorWith(server.http, undefined, () => time);
    expect(await authenticator.header(scope)).toBeUndefined();
    expect(await authenticator.challenged(scope, challenge)).toBe(true);
    expect(await Promise.all([authenticator.header(scope), authenticator.header(scope)])).toEqual([
      'Bearer t1',
      'Bearer t1',
    ]);
    expect(server.asked.map(({ url }) => url.href)).toEqual([
      'https://auth.example/token?service=reg&scope=repository%3Aa%3Apull',
    ]);
    time = 81_000;
    await authenticator.header(scope);
    expect(server.asked.length).toBe(2);
  });

  it('sends user and password to the token server, and nothing to it without credentials', async () => {
    const server = tokenServer({ status: 200, body: '{"access_token":"t"}' });
    const withUser = authenticatorWith(server.http, { username: 'u', password: 'p' });
    await withUser.challenged(scope, challenge);
    await withUser.header(scope);
    expect(server.asked[0]?.headers).toEqual({ Authorization: 'Basic dTpw' });
    const anonymous = authenticatorWith(server.http, undefined);
    await anonymous.challenged(scope, challenge);
    await anonymous.header(scope);
    expect(server.asked[1]?.headers).toEqual({});
  });

  it('exchanges an identity token by POST, so that it stands in no URL', async () => {
    const server = tokenServer({ status: 200, body: '{"access_token":"t"}' });
    const authenticator = authenticatorWith(server.http, { identityToken: 'refresh-me' });
    await authenticator.challenged(scope, challenge);
    expect(await authenticator.header(scope)).toBe('Bearer t');
    expect(server.asked[0]).toMatchObject({ method: 'POST' });
    expect(server.asked[0]?.url.href).toBe('https://auth.example/token');
    expect(String(server.asked[0]?.body)).toContain('refresh_token=refresh-me');
  });

  it('gives no credentials to a token server without TLS', async () => {
    const server = tokenServer({ status: 200, body: '{"token":"t"}' });
    const authenticator = authenticatorWith(server.http, { username: 'u', password: 'p' });
    await authenticator.challenged(scope, challenge.replace('https', 'http'));
    await expect(authenticator.header(scope)).rejects.toThrow('without TLS');
    expect(server.asked).toEqual([]);
  });

  it('says that the password was wrong, without saying it', async () => {
    const server = tokenServer({ status: 401, body: 'secret' });
    const authenticator = authenticatorWith(server.http, { username: 'u', password: 'secret' });
    await authenticator.challenged(scope, challenge);
    const error = await authenticator.header(scope).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', message: 'reg.example: invalid username/password' });
  });

  it('refuses a token that would break out of its header', async () => {
    const server = tokenServer({ status: 200, body: JSON.stringify({ token: 'a\r\nX-Evil: 1' }) });
    const authenticator = authenticatorWith(server.http, undefined);
    await authenticator.challenged(scope, challenge);
    await expect(authenticator.header(scope)).rejects.toThrow('sent no token');
  });

  it('uses Basic only with a name and password, and gives up when they were refused', async () => {
    const { http } = tokenServer({ status: 200, body: '' });
    const authenticator = authenticatorWith(http, { username: 'u', password: 'p' });
    expect(await authenticator.challenged(scope, 'Basic realm="x"')).toBe(true);
    expect(await authenticator.header(scope)).toBe('Basic dTpw');
    expect(await authenticator.challenged(scope, 'Basic realm="x"')).toBe(false);
    expect(await authenticatorWith(http, undefined).challenged(scope, 'Basic realm="x"')).toBe(false);
  });
});
