/**
 * Docker's volume plugin protocol (docs.docker.com, "Docker volume plugins"): JSON by POST to a program of the user's
 * that listens on a unix socket, `$XDG_RUNTIME_DIR/ctr/plugins/NAME.sock`, or whose address stands in
 * `$XDG_CONFIG_HOME/ctr/plugins/NAME.spec` (`unix:///path` or `tcp://host:port`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { array, type Check, object, optional, parseJson, string, unknown } from '../oci/check.ts';
import { layout } from '../storage/layout.ts';

export interface PluginVolume {
  readonly name: string;
  readonly mountpoint: string;
}

export interface VolumePlugin {
  create(name: string, options: Readonly<Record<string, string>>): Promise<void>;
  remove(name: string): Promise<void>;
  /** The plugin makes the volume available for container `id`; returns the path on this host. */
  mount(name: string, id: string): Promise<string>;
  unmount(name: string, id: string): Promise<void>;
  path(name: string): Promise<string>;
  get(name: string): Promise<PluginVolume>;
  list(): Promise<readonly PluginVolume[]>;
  /** `local` or `global`: whether the volume is the same on other machines. */
  scope(): Promise<string>;
}

const activation = object({ Implements: array(string) });
const mounted = object({ Mountpoint: string });
const described = object({ Name: string, Mountpoint: optional(string) });
const one = object({ Volume: described });
const many = object({ Volumes: optional(array(described)) });
const capabilities = object({ Capabilities: object({ Scope: optional(string) }) });
const failure = object({ Err: optional(string) });

/** A plugin that is there and says that it is one for volumes. */
export async function connectPlugin(host: Host, name: string): Promise<VolumePlugin> {
  const address = addressOf(host, name);
  const call = <T>(method: string, body: object, check: Check<T>) => post(name, address, method, body, check);
  const { Implements } = await call('Plugin.Activate', {}, activation);
  if (!Implements.includes('VolumeDriver')) {
    throw new CtrError('UNSUPPORTED', `plugin ${name} is not for volumes: it implements ${Implements.join(', ')}`);
  }
  const plain = ({ Name, Mountpoint = '' }: { Name: string; Mountpoint?: string }): PluginVolume => {
    return { name: Name, mountpoint: Mountpoint };
  };
  const driver = <T>(method: string, body: object, check: Check<T>) => call(`VolumeDriver.${method}`, body, check);
  return {
    create: async (Name, Opts) => void (await driver('Create', { Name, Opts }, unknown)),
    remove: async (Name) => void (await driver('Remove', { Name }, unknown)),
    mount: async (Name, ID) => (await driver('Mount', { Name, ID }, mounted)).Mountpoint,
    unmount: async (Name, ID) => void (await driver('Unmount', { Name, ID }, unknown)),
    path: async (Name) => (await driver('Path', { Name }, mounted)).Mountpoint,
    get: async (Name) => plain((await driver('Get', { Name }, one)).Volume),
    list: async () => ((await driver('List', {}, many)).Volumes ?? []).map(plain),
    scope: async () => (await driver('Capabilities', {}, capabilities)).Capabilities.Scope ?? 'local',
  };
}

function addressOf(host: Host, name: string): RequestOptions {
  const [socketPath, spec] = [layout.pluginSocket(host, name), layout.pluginSpec(host, name)];
  if (!/^[\w.-]+$/.test(name)) throw new CtrError('INVALID', `invalid volume driver name ${JSON.stringify(name)}`);
  if (existsSync(socketPath)) return { socketPath };
  if (!existsSync(spec)) {
    throw new CtrError('NOT_FOUND', `no volume driver ${name} found`, {
      hint: `a plugin listens on ${socketPath}, or has its address in ${spec}`,
    });
  }
  const text = readFileSync(spec, 'utf8').trim();
  const [, scheme, rest = ''] = /^(unix|tcp):\/\/(.+)$/.exec(text) ?? [];
  if (scheme === 'unix') return { socketPath: rest };
  const [, hostname, port] = /^([^:/]+):(\d+)$/.exec(rest) ?? [];
  if (scheme === 'tcp' && hostname !== undefined) return { hostname, port };
  throw new CtrError('INVALID', `${spec}: want unix:///path or tcp://host:port, not ${JSON.stringify(text)}`);
}

/** Longer than any mount should take. */
const timeoutMs = 60_000;

async function post<T>(
  name: string,
  address: RequestOptions,
  method: string,
  body: object,
  check: Check<T>,
): Promise<T> {
  const what = `volume driver ${name}: ${method}`;
  const { status, text } = await exchange(address, `/${method}`, JSON.stringify(body)).catch((cause: unknown) => {
    throw new CtrError('NETWORK', `${what}: no answer`, { cause, hint: 'is the plugin running?' });
  });
  const value = parseJson(text === '' ? '{}' : text, what, unknown);
  const { Err } = failure(value, what);
  if (Err || status !== 200) throw new CtrError('STATE', `${what}: ${Err || `HTTP status ${status}`}`);
  return check(value, what);
}

function exchange(address: RequestOptions, path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/vnd.docker.plugins.v1.2+json', host: 'plugin' };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...address, path, method: 'POST', headers, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.once('error', reject);
    request.end(body);
  });
}
