/**
 * Whom to trust and who we are, per registry: `certs.d/HOST[:PORT]/` with CA certificates (`*.crt`) and client
 * certificates (`NAME.cert` with `NAME.key`), as in containers-certs.d(5), on top of the system's CA bundle.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';

/** Where distributions keep their bundle; the first that exists. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The TLS identity for `registry` (host with port); `certDir` replaces the certs.d search. */
export function tlsContextFor(host: Host, registry: string, certDir: string | undefined): SecureContext {
  const directories = certDir === undefined ? certsDirectories(host, registry) : [certDir];
  const own = directories.map(readCertificates);
  const client = own.find(({ cert }) => cert !== undefined);
  return createSecureContext({
    ca: [...trustedByDefault(host), ...own.flatMap(({ authorities }) => authorities)],
    ...(client?.cert === undefined ? {} : { cert: client.cert, key: client.key }),
  });
}

function certsDirectories(host: Host, registry: string): string[] {
  return [`${host.configHome}/containers`, '/etc/containers', '/etc/docker']
    .map((parent) => `${parent}/certs.d/${registry}`)
    .filter((directory) => existsSync(directory));
}

interface Certificates {
  readonly authorities: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

function readCertificates(directory: string): Certificates {
  const names = readdirSync(directory).sort();
  const read = (name: string) => readFileSync(`${directory}/${name}`, 'utf8');
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read);
  const certName = names.find((name) => name.endsWith('.cert'));
  if (certName === undefined) return { authorities };
  const keyName = `${certName.slice(0, -'.cert'.length)}.key`;
  if (!names.includes(keyName)) {
    throw new CtrError('INVALID', `${directory}/${certName} has no ${keyName} beside it`);
  }
  return { authorities, cert: read(certName), key: read(keyName) };
}

function trustedByDefault(host: Host): readonly string[] {
  const named = host.env.SSL_CERT_FILE || systemBundles.find((path) => existsSync(path));
  const bundle = named === undefined ? rootCertificates : [readFileSync(named, 'utf8')];
  const extra = host.env.NODE_EXTRA_CA_CERTS;
  return extra && extra !== named && existsSync(extra) ? [...bundle, readFileSync(extra, 'utf8')] : bundle;
}
