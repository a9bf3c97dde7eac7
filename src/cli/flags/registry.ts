/** Flags of commands that talk to registries. */

import { CtrError } from '../../base/ctr-error.ts';
import { parseDuration } from '../../base/units.ts';
import type { AccessOptions } from '../../image/transport/registry-access.ts';
import type { FlagSet } from '../flag-set.ts';

export interface RegistryFlags {
  readonly authfile?: string;
  readonly certDir?: string;
  readonly creds?: string;
  readonly retry?: string;
  readonly retryDelay?: string;
  readonly tlsVerify?: boolean;
}

export function declareRegistryFlags(command: FlagSet): void {
  command
    .option('--authfile <path>', 'where credentials are kept')
    .option('--cert-dir <path>', 'certificates and keys for the registry')
    .option('--creds <user:password>', 'credentials for the registry')
    .option('--retry <times>', 'further attempts after a failure of the network')
    .option('--retry-delay <duration>', 'pause between attempts')
    .option('--tls-verify', 'require HTTPS and check certificates (--tls-verify=false: do not)');
}

export function accessFrom(flags: RegistryFlags): AccessOptions {
  return {
    tlsVerify: flags.tlsVerify,
    certDir: flags.certDir,
    authFile: flags.authfile,
    creds: credentialsFrom(flags.creds),
    retry: retryFrom(flags),
  };
}

function credentialsFrom(text: string | undefined): AccessOptions['creds'] {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  if (colon < 1) throw new CtrError('USAGE', '--creds wants USER:PASSWORD');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function retryFrom({ retry, retryDelay }: RegistryFlags): AccessOptions['retry'] {
  if (retry === undefined && retryDelay === undefined) return undefined;
  const retries = Number(retry ?? 3);
  const delayMs = retryDelay === undefined ? undefined : parseDuration(retryDelay);
  if (!Number.isInteger(retries) || retries < 0) {
    throw new CtrError('USAGE', `--retry ${retry} is not a number of attempts`);
  }
  if (retryDelay !== undefined && delayMs === undefined) {
    throw new CtrError('USAGE', `--retry-delay ${retryDelay} is no duration`, { hint: 'for example 500ms, 10s or 1m' });
  }
  return { retries, delayMs };
}
