/** `--ssh default|ID[=SOCKET|KEY[,KEY]]` of docker-build(1): agents, or private keys for an agent of the build's own. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { SshSource } from '../../engine/build/build-request.ts';
import { flagError } from './flag-error.ts';
import type { FlagContext } from './flag-files.ts';
import { splitKeyValue } from './key-value.ts';

export function parseSsh(flags: readonly string[], context: FlagContext): Record<string, SshSource> {
  return Object.fromEntries(flags.map((text) => parseOne(text, context)));
}

function parseOne(text: string, { env, cwd }: FlagContext): [string, SshSource] {
  const [id, given = ''] = splitKeyValue(text);
  if (id === '') throw flagError('--ssh', text, 'want default, ID=SOCKET or ID=KEYFILE');
  const named = given === '' ? (env.SSH_AUTH_SOCK ?? '') : given;
  if (named === '') {
    throw new CtrError('USAGE', `--ssh ${text}: no agent`, {
      hint: `start ssh-agent, so that SSH_AUTH_SOCK is set, or name a private key: --ssh ${id}=FILE`,
    });
  }
  const paths = named.split(',').map((path) => resolve(cwd, path));
  const [first = ''] = paths;
  if (paths.length === 1 && statOf(text, first).isSocket()) return [id, { kind: 'socket', path: first }];
  for (const path of paths) checkKey(text, path);
  return [id, { kind: 'keys', paths }];
}

function statOf(text: string, path: string) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat) return stat;
  throw new CtrError('NOT_FOUND', `--ssh ${text}: ${path} does not exist`);
}

function checkKey(text: string, path: string): void {
  const kind = statOf(text, path).isFile() ? kindOfKey(readFileSync(path, 'latin1')) : 'none';
  if (kind === 'none') throw flagError('--ssh', text, `${path} is neither a private key nor the only socket`);
  if (kind === 'plain') return;
  throw new CtrError('UNSUPPORTED', `--ssh ${text}: ${path} has a passphrase, and a build does not ask for one`, {
    hint: `ssh-add ${path} puts it into your agent; then --ssh default`,
  });
}

/** PROTOCOL.key of OpenSSH; RFC 1421 and RFC 5958 for the older forms. */
export function kindOfKey(text: string): 'plain' | 'encrypted' | 'none' {
  const [, form = '', body = ''] = /-----BEGIN ((?:[A-Z]+ )*)PRIVATE KEY-----\r?\n([\s\S]*?)-----END /.exec(text) ?? [];
  if (body === '') return 'none';
  if (form !== 'OPENSSH ') return form === 'ENCRYPTED ' || /^Proc-Type:.*ENCRYPTED/m.test(body) ? 'encrypted' : 'plain';
  const bytes = Buffer.from(body, 'base64');
  const cipherAt = 'openssh-key-v1\0'.length;
  if (bytes.length < cipherAt + 4) return 'none';
  const cipher = bytes.toString('latin1', cipherAt + 4, cipherAt + 4 + bytes.readUInt32BE(cipherAt));
  return cipher === 'none' ? 'plain' : 'encrypted';
}
