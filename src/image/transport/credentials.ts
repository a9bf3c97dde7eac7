/**
 * Who the user is at a registry (containers-auth.json(5), Docker's config.json): read along the field's search order,
 * written by login and logout. Passwords stay inside values of this module's types: they are never part of a message.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { readJsonFile, writeJsonFile } from '../../base/json-file.ts';
import { object, optional, record, string, unknown } from '../../oci/check.ts';
import { runCredentialHelper } from './credential-helper.ts';

export type Credentials =
  | { readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, from `identitytoken` or a helper's user `<token>`. */
  | { readonly identityToken: string };

export interface CredentialSource {
  readonly host: Host;
  /** `--authfile`: the only file looked at. */
  readonly authFile?: string | undefined;
}

const authFileShape = object({
  auths: optional(
    record(
      object({
        auth: optional(string),
        username: optional(string),
        password: optional(string),
        identitytoken: optional(string),
      }),
    ),
  ),
  credsStore: optional(string),
  credHelpers: optional(record(string)),
});

type AuthEntry = NonNullable<ReturnType<typeof authFileShape>['auths']>[string];

const dockerHub = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The credentials for `repository` (`host[:port][/path]`): the most specific key of the first file that has one. */
export async function findCredentials(repository: string, source: CredentialSource): Promise<Credentials | undefined> {
  for (const path of filesToRead(source)) {
    const found = await findInFile(path, repository);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Remember `credentials` for `key` (a registry, or a repository); returns where. */
export async function storeCredentials(
  key: string,
  credentials: { readonly username: string; readonly password: string },
  source: CredentialSource,
): Promise<string> {
  const path = fileToWrite(source);
  const { document, helper } = readForUpdate(path, key);
  if (helper !== undefined) {
    const { username, password } = credentials;
    await runCredentialHelper(helper, 'store', {
      ServerURL: helperKey(key),
      Username: username,
      Secret: password,
    });
    return `docker-credential-${helper}`;
  }
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  const auths = record(unknown)(document.auths ?? {}, `${path}: auths`);
  writeAuthFile(path, { ...document, auths: { ...auths, [writtenKey(key, auths)]: { auth } } });
  return path;
}

/** Forget the credentials for `key`, or all of them; false when there were none. */
export async function eraseCredentials(key: string | 'all', source: CredentialSource): Promise<boolean> {
  const path = fileToWrite(source);
  const { document, helper } = readForUpdate(path, key);
  if (helper !== undefined && key !== 'all') {
    return (await runCredentialHelper(helper, 'erase', helperKey(key))) !== undefined;
  }
  const auths = Object.entries(record(unknown)(document.auths ?? {}, `${path}: auths`));
  const kept = key === 'all' ? [] : auths.filter(([name]) => normaliseKey(name) !== normaliseKey(key));
  if (kept.length === auths.length) return false;
  writeAuthFile(path, { ...document, auths: Object.fromEntries(kept) });
  return true;
}

/** containers-auth.json(5): the runtime directory's file, the user's, then Docker's. */
function filesToRead({ host, authFile }: CredentialSource): string[] {
  const only = authFile ?? host.env.REGISTRY_AUTH_FILE;
  if (only) {
    if (!existsSync(only)) throw new CtrError('NOT_FOUND', `credential file ${only} does not exist`);
    return [only];
  }
  const docker = host.env.DOCKER_CONFIG || `${host.home}/.docker`;
  return [runtimeAuthFile(host), `${host.configHome}/containers/auth.json`, `${docker}/config.json`];
}

function fileToWrite({ host, authFile }: CredentialSource): string {
  return authFile || host.env.REGISTRY_AUTH_FILE || runtimeAuthFile(host);
}

function runtimeAuthFile(host: Host): string {
  const runtime = host.env.XDG_RUNTIME_DIR || `/run/containers/${host.uid}`;
  return host.env.XDG_RUNTIME_DIR ? `${runtime}/containers/auth.json` : `${runtime}/auth.json`;
}

async function findInFile(path: string, repository: string): Promise<Credentials | undefined> {
  const document = readAuthFile(path);
  if (document === undefined) return undefined;
  const file = authFileShape(document, path);
  const registry = repository.split('/', 1)[0] ?? repository;
  const helper = file.credHelpers?.[registry] ?? file.credsStore;
  if (helper !== undefined) {
    const found = await runCredentialHelper(helper, 'get', helperKey(registry));
    if (found !== undefined) return fromHelper(found);
  }
  const byKey = new Map(Object.entries(file.auths ?? {}).map(([key, entry]) => [normaliseKey(key), entry]));
  const entry = keysFor(repository)
    .map((key) => byKey.get(key))
    .find((one) => one !== undefined && Object.keys(one).length > 0);
  return entry === undefined ? undefined : fromEntry(entry, `${path}: ${registry}`);
}

/** `host/a/b`, `host/a`, `host`: auth.json keys may name a part of a registry. */
function keysFor(repository: string): string[] {
  const parts = normaliseKey(repository).split('/');
  return parts.map((_, dropped) => parts.slice(0, parts.length - dropped).join('/'));
}

/** Docker writes keys as URLs (`https://index.docker.io/v1/`); old files have `http://` and a version too. */
function normaliseKey(key: string): string {
  const plain = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/+$/, '');
  const [registry = '', ...path] = plain.split('/');
  return [dockerHub.includes(registry) ? 'docker.io' : registry, ...path].join('/');
}

function helperKey(registry: string): string {
  return dockerHub.includes(registry) ? 'https://index.docker.io/v1/' : registry;
}

/** Replace the key that is there in another spelling, so that a login in Docker's file stays one entry. */
function writtenKey(key: string, auths: Readonly<Record<string, unknown>>): string {
  return Object.keys(auths).find((name) => normaliseKey(name) === normaliseKey(key)) ?? key;
}

function fromEntry(entry: AuthEntry, where: string): Credentials {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (entry.auth === undefined) return { username: entry.username ?? '', password: entry.password ?? '' };
  const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) throw new CtrError('INVALID', `${where}: auth is not base64 of user:password`);
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

function fromHelper(found: { readonly Username: string; readonly Secret: string }): Credentials {
  if (found.Username === '<token>') return { identityToken: found.Secret };
  return { username: found.Username, password: found.Secret };
}

function readForUpdate(path: string, key: string) {
  const document = record(unknown)(readAuthFile(path) ?? {}, path);
  const { credHelpers, credsStore } = authFileShape(document, path);
  return { document, helper: credHelpers?.[key.split('/', 1)[0] ?? key] ?? credsStore };
}

function readAuthFile(path: string): unknown {
  try {
    return readJsonFile(path);
  } catch (cause) {
    throw new CtrError('INVALID', `cannot read credentials from ${path}`, { cause: withoutContent(cause) });
  }
}

/** V8's JSON errors quote the text around the mistake, which here may be a password. */
function withoutContent(error: unknown): unknown {
  return error instanceof CtrError ? new Error(error.message) : error;
}

function writeAuthFile(path: string, document: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeJsonFile(path, document, { mode: 0o600 });
}
