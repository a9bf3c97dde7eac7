/** The way to registries for one command: TLS choices, credentials and retries, from flags and configuration files. */
import type { Host } from '../../base/host.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { createHttpClient } from './http-client.ts';
import type { Endpoint } from './registries-conf.ts';
import { createRegistry, type Registry } from './registry.ts';
import { openSession, type RegistrySession } from './registry-session.ts';
import { defaultRetryPolicy, type RetryDeps, type RetryPolicy } from './retry.ts';

/** What `--tls-verify`, `--cert-dir`, `--authfile`, `--creds`, `--retry` and `--retry-delay` say. */
export interface AccessOptions {
  /** Undefined: as registries.conf has it for the registry. */
  readonly tlsVerify?: boolean | undefined;
  readonly certDir?: string | undefined;
  readonly authFile?: string | undefined;
  readonly creds?: { readonly username: string; readonly password: string } | undefined;
  readonly retry?: RetryPolicy | undefined;
}

export interface RegistryConnection {
  readonly endpoint: Endpoint;
  readonly session: RegistrySession;
  readonly registry: Registry;
}

export interface RegistryAccess {
  readonly retry: RetryPolicy;
  readonly retryDeps: RetryDeps;
  connect(endpoint: Endpoint): RegistryConnection;
  close(): void;
}

export function createRegistryAccess(host: Host, options: AccessOptions): RegistryAccess {
  const insecure = new Set<string>();
  const retry = options.retry ?? defaultRetryPolicy;
  const retryDeps: RetryDeps = {
    onRetry: (error, pauseMs) => host.log.warn(`${error.message}; trying again in ${Math.ceil(pauseMs / 1000)} s`),
  };
  const http = createHttpClient({
    host,
    certDir: options.certDir,
    isInsecure: (registry) => options.tlsVerify === false || insecure.has(registry),
  });
  return {
    retry,
    retryDeps,
    connect(endpoint) {
      const isInsecure = options.tlsVerify === undefined ? endpoint.insecure : !options.tlsVerify;
      if (isInsecure) insecure.add(endpoint.registry);
      const credentials = once(async () => {
        // Given on the command line, they are meant for the registry that the user named, and for no mirror of it.
        if (options.creds !== undefined && !endpoint.isMirror) return options.creds;
        return findCredentials(`${endpoint.registry}/${endpoint.repository}`, { host, authFile: options.authFile });
      });
      const { registry } = endpoint;
      const session = openSession({ registry, insecure: isInsecure, http, credentials, retry, retryDeps });
      return { endpoint, session, registry: createRegistry(session) };
    },
    close: () => http.close(),
  };
}

function once(find: () => Promise<Credentials | undefined>): () => Promise<Credentials | undefined> {
  let found: Promise<Credentials | undefined> | undefined;
  return () => {
    found ??= find();
    return found;
  };
}
