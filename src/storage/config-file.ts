/** `~/.config/ctr/ctr.toml`: what holds for every command of the user. */
import { readFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { array, type Checked, object, optional, string } from '../oci/check.ts';

const configShape = object({
  gc: optional(object({ maxSize: optional(string) })),
  storage: optional(object({ additionalStores: optional(array(string)) })),
});

export type Config = Checked<typeof configShape>;

export const configPath = ({ configHome }: Pick<Host, 'configHome'>): string => `${configHome}/ctr/ctr.toml`;

/** Empty where there is no file. Throws INVALID for one that is no TOML or has values of other types. */
export async function readConfigFile(host: Pick<Host, 'configHome'>): Promise<Config> {
  const text = configText(host);
  return text === undefined ? {} : parseConfig(text, configPath(host));
}

/**
 * The image stores that it names, for every command: the parser is loaded only where the file has the word, since
 * most files have not and `run` waits for this.
 */
export async function configuredStores(host: Pick<Host, 'configHome'>): Promise<readonly string[]> {
  const text = configText(host);
  if (text === undefined || !text.includes('additionalStores')) return [];
  const { storage } = await parseConfig(text, configPath(host));
  const stores = storage?.additionalStores ?? [];
  const relative = stores.find((path) => !path.startsWith('/'));
  if (relative === undefined) return stores;
  throw new CtrError('INVALID', `${configPath(host)}: additionalStores has ${JSON.stringify(relative)}`, {
    hint: 'want the absolute path of a data root, as `ctr info` shows it (graphRoot)',
  });
}

async function parseConfig(text: string, path: string): Promise<Config> {
  const { parse } = await import('smol-toml');
  try {
    return configShape(parse(text), path);
  } catch (cause) {
    throw new CtrError('INVALID', `cannot read ${path}`, { cause });
  }
}

function configText(host: Pick<Host, 'configHome'>): string | undefined {
  try {
    return readFileSync(configPath(host), 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) return undefined;
    throw new CtrError('INVALID', `cannot read ${configPath(host)}`, { cause });
  }
}
