/** `ctr login` and `ctr logout`: credentials are tried at the registry before they are kept. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { eraseCredentials, findCredentials, storeCredentials } from '../image/transport/credentials.ts';
import { endpointsFor, loadRegistriesConf } from '../image/transport/registries-conf.ts';
import { createRegistryAccess } from '../image/transport/registry-access.ts';
import { defaultDomain, parseReference } from '../oci/reference.ts';

export interface LoginRequest {
  /** `host[:port]`, perhaps with a path: the key under which credentials are kept. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly authFile?: string | undefined;
  readonly certDir?: string | undefined;
  readonly tlsVerify?: boolean | undefined;
}

/** Returns where the credentials are kept; nothing is kept when the registry refuses them. */
export async function login(host: Host, request: LoginRequest): Promise<string> {
  const { registry, username, password, authFile, certDir, tlsVerify } = request;
  const [domain = registry] = registry.split('/', 1);
  const conf = await loadRegistriesConf(host);
  const endpoint = endpointsFor({ domain, path: 'login' }, conf).find(({ isMirror }) => !isMirror);
  if (endpoint === undefined) throw new CtrError('NOT_FOUND', `${registry}: no registry to ask`);
  const access = createRegistryAccess(host, { certDir, tlsVerify, creds: { username, password } });
  try {
    await access.connect(endpoint).registry.ping();
  } catch (error) {
    if (!(error instanceof CtrError && error.code === 'UNAUTHORIZED')) throw error;
    throw new CtrError('UNAUTHORIZED', `logging into "${registry}": invalid username/password`);
  } finally {
    access.close();
  }
  return storeCredentials(registry, { username, password }, { host, authFile });
}

/** The user that is logged in; throws NOT_FOUND. */
export async function loggedInAs(host: Host, registry: string, authFile: string | undefined): Promise<string> {
  const found = await findCredentials(registry, { host, authFile });
  if (found !== undefined) return 'username' in found ? found.username : '<token>';
  throw new CtrError('NOT_FOUND', `not logged into ${registry}`);
}

/** Throws NOT_FOUND when there is nothing to forget; `all` may find nothing. */
export async function logout(host: Host, registry: string | 'all', authFile: string | undefined): Promise<void> {
  const wasThere = await eraseCredentials(registry, { host, authFile });
  if (!wasThere && registry !== 'all') throw new CtrError('NOT_FOUND', `not logged into ${registry}`);
}

/** What the user typed as a registry: URLs are cut, nothing means Docker's. Throws INVALID. */
export function registryKey(text: string | undefined): string {
  const key = (text ?? defaultDomain).replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const [domain = '', ...path] = key.split('/');
  const host = /^(index|registry-1)\.docker\.io$/.test(domain) ? defaultDomain : domain;
  // The grammar of names decides what a registry and a path in it may look like.
  parseReference(`${host}/${path.join('/') || 'any'}`);
  return path[0] === 'v1' || path[0] === 'v2' || path.length === 0 ? host : [host, ...path].join('/');
}
