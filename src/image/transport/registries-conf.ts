/**
 * Where images come from (containers-registries.conf(5), version 2): search registries and aliases for short names,
 * and for each registry its mirrors, its other location, and whether it is insecure or blocked.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { array, boolean, object, optional, record, string } from '../../oci/check.ts';
import { defaultDomain, isShortName, parseReference, type Reference, repositoryName } from '../../oci/reference.ts';

export interface RegistriesConf {
  readonly searchRegistries: readonly string[];
  /** Short name → full name without tag. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly registries: readonly RegistryConf[];
}

export interface RegistryConf {
  /** `host[:port][/path]`, or `*.example.com`. */
  readonly prefix: string;
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrorByDigestOnly: boolean;
  readonly mirrors: ReadonlyArray<{
    readonly location: string;
    readonly insecure: boolean;
    readonly pullFrom: 'all' | 'digest-only' | 'tag-only';
  }>;
}

/** One place to ask for an image: a registry's address and the repository's name there. */
export interface Endpoint {
  readonly registry: string;
  readonly repository: string;
  readonly insecure: boolean;
  readonly isMirror: boolean;
}

export const emptyRegistriesConf: RegistriesConf = { searchRegistries: [], aliases: {}, registries: [] };

const fileShape = object({
  'unqualified-search-registries': optional(array(string)),
  aliases: optional(record(string)),
  registry: optional(
    array(
      object({
        prefix: optional(string),
        location: optional(string),
        insecure: optional(boolean),
        blocked: optional(boolean),
        'mirror-by-digest-only': optional(boolean),
        mirror: optional(
          array(object({ location: string, insecure: optional(boolean), 'pull-from-mirror': optional(string) })),
        ),
      }),
    ),
  ),
});

/** Read the user's configuration: one main file, then the drop-ins of the system and of the user, by name. */
export async function loadRegistriesConf(host: Host): Promise<RegistriesConf> {
  const named = host.env.CONTAINERS_REGISTRIES_CONF;
  const user = `${host.configHome}/containers/registries.conf`;
  const mains = named ? [named] : [user, '/etc/containers/registries.conf', '/usr/share/containers/registries.conf'];
  const texts: Array<{ path: string; text: string }> = [];
  const main = mains.map(readIfThere).find((file) => file !== undefined);
  if (named && main === undefined) throw new CtrError('NOT_FOUND', `CONTAINERS_REGISTRIES_CONF: no file ${named}`);
  if (main !== undefined) texts.push(main);
  if (!named) {
    const paths = ['/etc/containers/registries.conf.d', `${user}.d`].flatMap(dropIns);
    texts.push(...paths.map(readIfThere).filter((file) => file !== undefined));
  }
  if (texts.length === 0) return emptyRegistriesConf;
  const { parse } = await import('smol-toml');
  return texts.map(({ path, text }) => parseRegistriesConf(text, path, parse)).reduce(merge, emptyRegistriesConf);
}

/** Parse one file; `parseToml` is passed in, so that the parser is loaded only where there is a file. */
export function parseRegistriesConf(text: string, path: string, parseToml: (text: string) => unknown): RegistriesConf {
  let document: unknown;
  try {
    document = parseToml(text);
  } catch (cause) {
    throw new CtrError('INVALID', `${path} is not TOML`, { cause });
  }
  if (typeof document === 'object' && document !== null && 'registries' in document) {
    throw new CtrError('UNSUPPORTED', `${path}: version 1 of registries.conf ([registries.search]) is not supported`);
  }
  const file = fileShape(document, path);
  return {
    searchRegistries: file['unqualified-search-registries'] ?? [],
    aliases: file.aliases ?? {},
    registries: (file.registry ?? []).map((table, at) => registryConf(table, `${path}: registry[${at}]`)),
  };
}

/** The full references that `name` may mean, in the order to try them. */
export function resolveName(name: string, conf: RegistriesConf): readonly Reference[] {
  if (!isShortName(name)) return [parseReference(name)];
  const short = parseReference(name, 'short.invalid');
  const suffix = name.slice(short.path.length);
  const alias = Object.hasOwn(conf.aliases, short.path) ? conf.aliases[short.path] : undefined;
  if (alias) return [parseReference(alias + suffix)];
  const registries = conf.searchRegistries.length > 0 ? conf.searchRegistries : [defaultDomain];
  return registries.map((registry) => parseReference(`${registry}/${name}`));
}

/** Where to ask for `reference`: mirrors first, then the registry itself; throws DENIED when it is blocked. */
export function endpointsFor(reference: Reference, conf: RegistriesConf): readonly Endpoint[] {
  const name = repositoryName(reference);
  const entry = longestMatch(name, conf.registries);
  if (entry === undefined) return [endpoint(name, { insecure: false, isMirror: false })];
  if (entry.blocked) {
    throw new CtrError('DENIED', `registry ${entry.prefix} is blocked by registries.conf`, {
      hint: 'remove `blocked = true` from its [[registry]] table to allow it',
    });
  }
  const mirrors = entry.mirrors.filter(({ pullFrom }) => {
    if (reference.digest !== undefined) return pullFrom !== 'tag-only';
    return pullFrom !== 'digest-only' && !entry.mirrorByDigestOnly;
  });
  const rewritten = (location: string) => (location === '' ? name : location + name.slice(matchedLength(name, entry)));
  return [
    ...mirrors.map((mirror) => endpoint(rewritten(mirror.location), { insecure: mirror.insecure, isMirror: true })),
    endpoint(rewritten(entry.location), { insecure: entry.insecure, isMirror: false }),
  ];
}

function registryConf(
  table: NonNullable<ReturnType<typeof fileShape>['registry']>[number],
  where: string,
): RegistryConf {
  const prefix = table.prefix ?? table.location;
  if (!prefix) throw new CtrError('INVALID', `${where}: needs a prefix or a location`);
  const location = table.location ?? (prefix.startsWith('*.') ? '' : prefix);
  return {
    prefix,
    location,
    insecure: table.insecure ?? false,
    blocked: table.blocked ?? false,
    mirrorByDigestOnly: table['mirror-by-digest-only'] ?? false,
    mirrors: (table.mirror ?? []).map((mirror) => ({
      location: mirror.location,
      insecure: mirror.insecure ?? false,
      pullFrom: pullFrom(mirror['pull-from-mirror'], where),
    })),
  };
}

function pullFrom(value: string | undefined, where: string): 'all' | 'digest-only' | 'tag-only' {
  if (value === undefined || value === '' || value === 'all') return 'all';
  if (value === 'digest-only' || value === 'tag-only') return value;
  throw new CtrError('INVALID', `${where}: pull-from-mirror is all, digest-only or tag-only`);
}

/** A later file replaces a registry's table as a whole, and the search list when it has one. */
function merge(earlier: RegistriesConf, later: RegistriesConf): RegistriesConf {
  const replaced = new Set(later.registries.map(({ prefix }) => prefix));
  return {
    searchRegistries: later.searchRegistries.length > 0 ? later.searchRegistries : earlier.searchRegistries,
    aliases: { ...earlier.aliases, ...later.aliases },
    registries: [...earlier.registries.filter(({ prefix }) => !replaced.has(prefix)), ...later.registries],
  };
}

function longestMatch(name: string, registries: readonly RegistryConf[]): RegistryConf | undefined {
  return registries
    .filter((entry) => matchedLength(name, entry) > 0)
    .sort((a, b) => b.prefix.length - a.prefix.length)
    .at(0);
}

/** How much of `name` the prefix stands for; 0 when it does not match. */
function matchedLength(name: string, { prefix }: RegistryConf): number {
  const registry = name.split('/', 1)[0] ?? '';
  if (prefix.startsWith('*.')) return registry.endsWith(prefix.slice(1)) ? registry.length : 0;
  return name === prefix || name.startsWith(`${prefix}/`) ? prefix.length : 0;
}

function endpoint(name: string, kind: { readonly insecure: boolean; readonly isMirror: boolean }): Endpoint {
  const slash = name.indexOf('/');
  return { registry: name.slice(0, slash), repository: name.slice(slash + 1), ...kind };
}

function readIfThere(path: string): { path: string; text: string } | undefined {
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function dropIns(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.conf'));
    return names.sort().map((name) => `${directory}/${name}`);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
