/** Secrets (`ctr secret`): one file each, 0600, in a directory that is 0700. They are never part of an image or layer. */
import { mkdirSync, rmSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { type Check, object, record, string } from '../oci/check.ts';
import { layout } from './layout.ts';
import { ensureDataRoot, namesIn } from './roots.ts';

export interface SecretRecord {
  /** 25 lower-case letters and digits, as in Docker. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Base64. */
  readonly data: string;
}

const secretRecord: Check<SecretRecord> = object({
  id: string,
  name: string,
  labels: record(string),
  createdAt: string,
  updatedAt: string,
  data: string,
});

/** Keep a secret; an existing one of the name is replaced as a whole. */
export function writeSecret(host: Host, secret: SecretRecord): void {
  ensureDataRoot(host);
  mkdirSync(layout.secrets(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.secret(host, secret.name), secret, { mode: 0o600, durable: true });
}

/** All of them, by name. */
export function listSecrets(host: Host): SecretRecord[] {
  return namesIn(layout.secrets(host))
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => readSecretFile(`${layout.secrets(host)}/${file}`) ?? [])
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By name, or by the beginning of its ID where only one has it. */
export function findSecret(host: Host, nameOrId: string): SecretRecord | undefined {
  const named = readSecretFile(layout.secret(host, nameOrId));
  if (named) return named;
  const [found, ...others] = listSecrets(host).filter(({ id }) => nameOrId !== '' && id.startsWith(nameOrId));
  if (others.length > 0) throw new CtrError('USAGE', `more than one secret has an ID that begins with ${nameOrId}`);
  return found;
}

/** As findSecret; throws when there is none. */
export function resolveSecret(host: Host, nameOrId: string): SecretRecord {
  const secret = findSecret(host, nameOrId);
  if (secret) return secret;
  throw new CtrError('NOT_FOUND', `no such secret: ${nameOrId}`, { hint: '`ctr secret create NAME FILE` makes one' });
}

export function removeSecret(host: Host, { name }: SecretRecord): void {
  rmSync(layout.secret(host, name), { force: true });
}

/** The record in this file. */
export function readSecretFile(path: string): SecretRecord | undefined {
  const value = readJsonFile(path);
  return value === undefined ? undefined : secretRecord(value, path);
}
