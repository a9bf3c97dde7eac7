/** A registry that asks who one is: htpasswd behind TLS by a CA of its own. */
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { missing, needs } from '../support/needs.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids', 'openssl', 'htpasswd');
const canRun = missing('registry', 'skopeo', 'busybox', 'openssl', 'htpasswd') === undefined;
const password = 'secret: with spaces';
let bed: Bed;
let registry: Registry;
let image: string;
beforeAll(async () => {
  if (!canRun) return;
  registry = await startRegistry({ tls: true, htpasswd: { me: password } });
  bed = await openBed({ images: ['busybox'] });
  bed.directory('certs');
  bed.file('certs/ca.crt', readFileSync(registry.caFile ?? ''));
  image = `${registry.host}/private/app:1`;
  await bed.ctr('pull', '-q', bed.image('busybox'));
});
afterAll(async () => {
  await bed?.close();
  await registry?.stop();
});
beforeEach(async () => {
  if (canRun) await bed.ctr('logout', '--all');
});

const authFile = () => `${bed.home}/run/containers/auth.json`;
const certs = ['--cert-dir', 'certs'];
const login = (secret: string, ...more: readonly string[]) =>
  bed.ctrWith({ input: `${secret}\n` }, 'login', '-u', 'me', '--password-stdin', ...certs, ...more, registry.host);

describe('ctr login [E]', () => {
  promise('opens the way to push and pull, and logout closes it', async () => {
    expect(await bed.ctr('push', '-q', ...certs, bed.image('busybox'), image)).toMatchObject({ code: 125 });
    expect(await login(password)).toMatchObject({ code: 0, stdout: 'Login Succeeded!\n' });
    expect(await bed.ctr('login', '--get-login', registry.host)).toMatchObject({ code: 0, stdout: 'me\n' });
    expect(statSync(authFile()).mode & 0o777).toBe(0o600);
    expect(await bed.ctr('push', '-q', ...certs, bed.image('busybox'), image)).toMatchObject({ code: 0 });
    expect(await bed.ctr('pull', '-q', ...certs, image)).toMatchObject({ code: 0 });

    expect(await bed.ctr('logout', registry.host)).toMatchObject({ code: 0 });
    const refused = await bed.ctr('pull', '-q', ...certs, image);
    expect(refused).toMatchObject({ code: 125 });
    expect(refused.stderr).toContain('authentication required');
    expect(await bed.ctr('logout', registry.host)).toMatchObject({ code: 125 });
  });

  promise('takes the password from a secret', async () => {
    bed.file('password', `${password}\n`);
    await bed.ctr('secret', 'create', 'token', 'password');
    const args = ['login', '-u', 'me', '--secret', 'token', ...certs, registry.host];
    expect(await bed.ctr(...args)).toMatchObject({ code: 0, stdout: 'Login Succeeded!\n' });
    expect(await bed.ctr('login', '--secret', 'none', '-u', 'me', registry.host)).toMatchObject({ code: 125 });
  });

  promise('says a wrong password in one line, and keeps nothing', async () => {
    const outcome = await login('wrong');
    expect(outcome).toMatchObject({ code: 125, stdout: '' });
    expect(outcome.stderr).toBe(`ctr: logging into "${registry.host}": invalid username/password\n`);
    expect(existsSync(authFile()) ? readFileSync(authFile(), 'utf8') : '').not.toContain(registry.host);
    expect(await bed.ctr('login', '--get-login', registry.host)).toMatchObject({ code: 125 });
  });

  promise('trusts no unknown CA unless told', async () => {
    const args = ['login', '-u', 'me', '-p', password];
    expect(await bed.ctr(...args, registry.host)).toMatchObject({ code: 125 });
    expect(await bed.ctr(...args, '--tls-verify=false', registry.host)).toMatchObject({ code: 0 });
  });

  promise('writes where --authfile says, and push reads it there', async () => {
    expect(await login(password, '--authfile', 'own.json')).toMatchObject({ code: 0 });
    expect(existsSync(authFile()) ? readFileSync(authFile(), 'utf8') : '').not.toContain(registry.host);
    const push = ['push', '-q', ...certs, '--authfile', 'own.json', bed.image('busybox'), `${registry.host}/x:1`];
    expect(await bed.ctr(...push)).toMatchObject({ code: 0 });
    expect(await bed.ctr('pull', '-q', ...certs, '--creds', `me:${password}`, image)).toMatchObject({ code: 0 });
  });

  promise('gives the password to a credential helper where the configuration names one', async () => {
    bed.directory('helper');
    const helper = bed.file(
      'helper/docker-credential-box',
      `#!/bin/sh\ncase $1 in store) cat > "$HOME/box" ;; erase) rm -f "$HOME/box" ;;\nget) [ -f "$HOME/box" ] && cat "$HOME/box" || { echo "credentials not found"; exit 1; } ;; esac\n`,
    );
    chmodSync(helper, 0o755);
    bed.directory('run/containers');
    bed.file('run/containers/auth.json', JSON.stringify({ credHelpers: { [registry.host]: 'box' } }));
    const env = { PATH: `${bed.home}/helper:${bed.env.PATH}` };
    const args = ['login', '-u', 'me', '-p', password, ...certs, registry.host];
    expect(await bed.ctrWith({ env }, ...args)).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(`${bed.home}/box`, 'utf8'))).toEqual({
      ServerURL: registry.host,
      Username: 'me',
      Secret: password,
    });
    expect(readFileSync(authFile(), 'utf8')).not.toContain('auth":');
    expect(await bed.ctrWith({ env }, 'pull', '-q', ...certs, image)).toMatchObject({ code: 0 });
    expect(await bed.ctrWith({ env }, 'logout', registry.host)).toMatchObject({ code: 0 });
    expect(existsSync(`${bed.home}/box`)).toBe(false);
  });
});
