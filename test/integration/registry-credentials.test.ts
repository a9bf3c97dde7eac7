import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHost, type Host } from '../../src/base/host.ts';
import { createLog } from '../../src/base/log.ts';
import { eraseCredentials, findCredentials, storeCredentials } from '../../src/image/transport/credentials.ts';

let home: string;
let host: Host;
const searchPath = process.env.PATH;

beforeEach(() => {
  home = mkdtempSync(`${tmpdir()}/ctr-credentials-`);
  host = hostWith({});
});
afterEach(() => {
  process.env.PATH = searchPath;
  rmSync(home, { recursive: true, force: true });
});

function hostWith(env: Record<string, string>): Host {
  const log = createLog('error', () => undefined);
  return createHost({ env: { HOME: home, XDG_RUNTIME_DIR: `${home}/run`, ...env }, log });
}

function write(path: string, content: unknown): string {
  const file = `${home}/${path}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const auths = (entries: Record<string, string>) => ({
  auths: Object.fromEntries(
    Object.entries(entries).map(([key, user]) => [key, { auth: Buffer.from(`${user}:pw:${user}`).toString('base64') }]),
  ),
});
const userFor = async (repository: string, authFile?: string) => {
  const found = await findCredentials(repository, { host, authFile });
  return found && 'username' in found ? found.username : found;
};

describe('findCredentials [I] containers-auth.json(5)', () => {
  it('takes the most specific key', async () => {
    write(
      'run/containers/auth.json',
      auths({ 'quay.example': 'host', 'quay.example/team': 'team', 'quay.example/team/app': 'app' }),
    );
    expect(await userFor('quay.example/team/app')).toBe('app');
    expect(await userFor('quay.example/team/other')).toBe('team');
    expect(await userFor('quay.example/teammate')).toBe('host');
    expect(await userFor('other.example/team')).toBeUndefined();
  });

  it('looks into the runtime directory, the configuration, then Docker', async () => {
    write('.docker/config.json', auths({ 'a.example': 'docker', 'b.example': 'docker', 'c.example': 'docker' }));
    write('.config/containers/auth.json', auths({ 'a.example': 'config', 'b.example': 'config' }));
    write('run/containers/auth.json', auths({ 'a.example': 'runtime' }));
    const users = await Promise.all(['a.example', 'b.example', 'c.example'].map((name) => userFor(`${name}/x`)));
    expect(users).toEqual(['runtime', 'config', 'docker']);
  });

  it('looks into nothing else when a file is named', async () => {
    write('run/containers/auth.json', auths({ 'a.example': 'runtime' }));
    const named = write('mine.json', auths({ 'b.example': 'mine' }));
    expect([await userFor('a.example/x', named), await userFor('b.example/x', named)]).toEqual([undefined, 'mine']);
    host = hostWith({ REGISTRY_AUTH_FILE: named });
    expect(await userFor('b.example/x')).toBe('mine');
    await expect(userFor('b.example/x', `${home}/none`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it("knows Docker's names of docker.io, and keeps colons in a password", async () => {
    write('.docker/config.json', auths({ 'https://index.docker.io/v1/': 'hub' }));
    const found = await findCredentials('docker.io/library/alpine', { host });
    expect(found).toEqual({ username: 'hub', password: 'pw:hub' });
  });

  it('prefers an identity token', async () => {
    write('.docker/config.json', { auths: { 'a.example': { auth: 'dTpw', identitytoken: 'refresh' } } });
    expect(await userFor('a.example/x')).toEqual({ identityToken: 'refresh' });
  });

  it('quotes nothing of a file that is no JSON', async () => {
    const path = write('run/containers/auth.json', '{"auths": {"a": {"auth": "c2VjcmV0" oops');
    const error: unknown = await userFor('a.example/x').catch((thrown) => thrown);
    expect(String(error)).toBe(`CtrError: cannot read credentials from ${path}`);
    expect(error instanceof Error && `${error.stack}${error.cause}`).not.toContain('c2VjcmV0');
  });
});

describe('credential helpers [I] docker-credential-helpers', () => {
  beforeEach(() => {
    const helper = write(
      'bin/docker-credential-box',
      `#!/bin/sh
case $1 in
get) read -r server; test -f "${home}/box" || { echo 'credentials not found in native keychain'; exit 1; }
  printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$server" "$server";;
store) cat > "${home}/box";;
erase) rm "${home}/box";;
esac
`,
    );
    chmodSync(helper, 0o755);
    process.env.PATH = `${home}/bin:${searchPath}`;
  });

  it('are asked for their registry, and files for the others', async () => {
    write('run/containers/auth.json', { ...auths({ 'b.example': 'file' }), credHelpers: { 'a.example': 'box' } });
    expect(await userFor('a.example/x')).toBeUndefined();
    write('box', '');
    expect([await userFor('a.example/x'), await userFor('b.example/x')]).toEqual(['a.example', 'file']);
  });

  it('keep what login stores and forget it at logout', async () => {
    const file = write('run/containers/auth.json', { credsStore: 'box' });
    expect(await storeCredentials('a.example', { username: 'u', password: 'pw' }, { host })).toBe(
      'docker-credential-box',
    );
    expect(JSON.parse(readFileSync(`${home}/box`, 'utf8'))).toEqual({
      ServerURL: 'a.example',
      Username: 'u',
      Secret: 'pw',
    });
    expect(readFileSync(file, 'utf8')).not.toContain('pw');
    expect(await eraseCredentials('a.example', { host })).toBe(true);
    expect(await userFor('a.example')).toBeUndefined();
  });

  it('must have a plain name and exist', async () => {
    write('run/containers/auth.json', { credsStore: '../../evil' });
    await expect(userFor('a.example')).rejects.toThrow('invalid credential helper');
    write('run/containers/auth.json', { credsStore: 'absent' });
    await expect(userFor('a.example')).rejects.toThrow('docker-credential-absent is not in PATH');
  });
});

describe('storeCredentials and eraseCredentials [I]', () => {
  const alice = { username: 'alice', password: 'a:b' };

  it('write a private file and leave all else in it as it was', async () => {
    const file = write('run/containers/auth.json', { ...auths({ 'b.example': 'b' }), unknown: { kept: 1 } });
    expect(await storeCredentials('a.example', alice, { host })).toBe(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await findCredentials('a.example/x', { host })).toEqual(alice);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      ...auths({ 'b.example': 'b' }),
      unknown: { kept: 1 },
    });
    expect(await eraseCredentials('a.example', { host })).toBe(true);
    expect(await eraseCredentials('a.example', { host })).toBe(false);
    expect([await userFor('a.example'), await userFor('b.example')]).toEqual([undefined, 'b']);
  });

  it('replace the entry that is there in another spelling', async () => {
    const file = write('auth.json', auths({ 'https://index.docker.io/v1/': 'old' }));
    await storeCredentials('docker.io', alice, { host, authFile: file });
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths)).toEqual(['https://index.docker.io/v1/']);
    expect(await userFor('docker.io/library/x', file)).toBe('alice');
  });

  it('forget everything on --all', async () => {
    write('run/containers/auth.json', auths({ 'a.example': 'a', 'b.example': 'b' }));
    expect(await eraseCredentials('all', { host })).toBe(true);
    expect(await userFor('b.example')).toBeUndefined();
  });
});
