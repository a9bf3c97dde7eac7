/**
 * Debian's docker-registry on loopback: the reference implementation of the distribution specification, with its
 * storage in a temporary directory where a test can tamper with it. TLS by a CA made for the occasion.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './run-as.ts';

export interface RegistryOptions {
  readonly tls?: boolean;
  /** Users and their passwords (basic authentication). */
  readonly htpasswd?: Readonly<Record<string, string>>;
  /** A free one when absent. */
  readonly port?: number;
  /** Allow DELETE. */
  readonly deletes?: boolean;
}

export interface Registry {
  readonly port: number;
  /** `127.0.0.1:PORT`, or `localhost:PORT` with TLS: what comes before the repository in an image name. */
  readonly host: string;
  readonly url: string;
  /** The PEM file of the CA to trust, with TLS. */
  readonly caFile: string | undefined;
  readonly pid: number;
  /** The file that holds a blob's bytes: `sha256:<hex>`. */
  blobFile(digest: string): string;
  /** Forget everything that was pushed. */
  clear(): void;
  /** The registry's own log. */
  log(): string;
  /** SIGKILL, as in a power cut; the storage stays until stop(). */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const dir = mkdtempSync(join(tmpdir(), 'ctr-registry-'));
  const port = options.port ?? (await freePort());
  const tls = options.tls === true ? makeCertificates(dir) : undefined;
  writeFileSync(`${dir}/config.yml`, configuration(dir, port, options, tls));
  // Into a file, not a pipe: nobody reads a pipe while this process waits for skopeo, and the registry would stop.
  const logFile = openSync(`${dir}/log`, 'w');
  const child = spawn('docker-registry', ['serve', `${dir}/config.yml`], {
    stdio: ['ignore', logFile, logFile],
    env: { PATH: process.env.PATH ?? '', OTEL_TRACES_EXPORTER: 'none' },
  });
  closeSync(logFile);
  const log = () => readFileSync(`${dir}/log`, 'utf8');
  const host = `${tls === undefined ? '127.0.0.1' : 'localhost'}:${port}`;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await until(`docker-registry on port ${port}`, () => child.exitCode !== null || /listening on/.test(log()));
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${log()}`);
  } catch (error) {
    await end();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return {
    port,
    host,
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    caFile: tls?.ca,
    pid: pidOf(child),
    blobFile: (digest) => blobFile(dir, digest),
    clear: () => rmSync(`${dir}/data/docker`, { recursive: true, force: true }),
    log,
    kill: end,
    stop: async () => {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

function configuration(dir: string, port: number, options: RegistryOptions, tls: Certificates | undefined): string {
  mkdirSync(`${dir}/data`);
  const lines = [
    'version: 0.1',
    'log: { level: info }',
    'storage:',
    `  filesystem: { rootdirectory: ${dir}/data }`,
    '  maintenance: { uploadpurging: { enabled: false } }',
    `  delete: { enabled: ${options.deletes === true} }`,
    `http:`,
    `  addr: 127.0.0.1:${port}`,
  ];
  if (tls !== undefined) lines.push(`  tls: { certificate: ${tls.certificate}, key: ${tls.key} }`);
  if (options.htpasswd !== undefined) {
    const entries = Object.entries(options.htpasswd).map(([user, password]) => hash(user, password));
    writeFileSync(`${dir}/htpasswd`, entries.join(''));
    lines.push('auth:', `  htpasswd: { realm: test, path: ${dir}/htpasswd }`);
  }
  return `${lines.join('\n')}\n`;
}

/** docker-registry takes bcrypt only. */
function hash(user: string, password: string): string {
  return `${execFileSync('htpasswd', ['-Bbn', user, password], { encoding: 'utf8' }).trim()}\n`;
}

function makeCertificates(dir: string): Certificates {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=ctr test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  writeFileSync(`${dir}/names`, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'server.crt',
  );
  return { ca: `${dir}/ca.crt`, certificate: `${dir}/server.crt`, key: `${dir}/server.key` };
}

function blobFile(dir: string, digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  const file = `${dir}/data/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
  readFileSync(file, { flag: 'r' });
  return file;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('docker-registry did not start');
  return child.pid;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
