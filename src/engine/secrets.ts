/**
 * A container's secrets at its start: files in its runtime directory (memory, 0700, gone with the container), bound
 * read-only; variables go straight to the command and are written nowhere.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { layout } from '../storage/layout.ts';
import type { RunRequest } from './run-request.ts';

export interface ContainerSecrets {
  readonly files: ReadonlyArray<{ readonly source: string; readonly target: string }>;
  /** Who they belong to inside. */
  readonly owners: ReadonlyArray<{ path: string; uid: number; gid: number; mode: number }>;
  /** `NAME=VALUE` */
  readonly env: readonly string[];
}

const none: ContainerSecrets = { files: [], owners: [], env: [] };

/** What a secret may be at most, as in Docker and Podman. */
export const maxSecretBytes = 512_000;

export async function secretsFor(host: Host, id: string, { secrets = [] }: RunRequest): Promise<ContainerSecrets> {
  if (secrets.length === 0) return none;
  const { resolveSecret } = await import('../storage/secret-store.ts');
  const all = secrets.map((wanted, index) => {
    const data = Buffer.from(resolveSecret(host, wanted.name).data, 'base64');
    return { wanted, data, path: layout.containerSecret(host, id, index) };
  });
  const files = all.filter(({ wanted }) => wanted.type === 'mount');
  for (const { path, data } of files) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, data, { mode: 0o600 });
    chmodSync(path, 0o600);
  }
  return {
    files: files.map(({ path, wanted }) => ({ source: path, target: wanted.target })),
    owners: files.map(({ path, wanted: { uid, gid, mode } }) => ({ path, uid, gid, mode })),
    env: all
      .filter(({ wanted }) => wanted.type === 'env')
      .map(({ wanted, data }) => `${wanted.target}=${textOf(data, wanted.name)}`),
  };
}

/** A C string ends at a NUL: the command would see another secret than was kept. */
function textOf(data: Buffer, name: string): string {
  if (!data.includes(0)) return data.toString();
  throw new CtrError('INVALID', `secret ${name} has a NUL byte and cannot be a variable`, { hint: 'use type=mount' });
}
