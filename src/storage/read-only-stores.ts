/**
 * Image stores of other people, or on other disks, that are only read (`additionalStores`): no lock is taken and nothing
 * is written in them. What the user's own store has comes first; what it lacks is looked for there, in order.
 *
 * Records and archives can be used whoever owns them. Unpacked layers are lower directories as they are only where their
 * owners mean the same to this user: in a store that the user made (docs/images.md "Stores of others"). Those of other
 * people's stores are unpacked once more into the user's own, from the archives there.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { layout } from './layout.ts';

export interface ReadOnlyStore {
  /** The user's own host, but with this store's data root; only to be read. */
  readonly place: Host;
  /** Whether its unpacked layers can be used where they are. */
  readonly hasUsableLayers: boolean;
}

const none: readonly ReadOnlyStore[] = [];
const known = new WeakMap<readonly string[], readonly ReadOnlyStore[]>();

/** Those that can be read; of the others a warning tells why not, once. */
export function readOnlyStores(host: Host): readonly ReadOnlyStore[] {
  const { additionalStores } = host;
  if (additionalStores.length === 0) return none;
  const found = known.get(additionalStores);
  if (found) return found;
  const others = additionalStores.filter((directory) => directory !== host.dataRoot);
  const stores = [...new Set(others)].flatMap((directory) => open(host, directory) ?? []);
  known.set(additionalStores, stores);
  return stores;
}

/** What the first store has that has it; the user's own store is not asked. */
export function fromReadOnly<T>(host: Host, read: (place: Host) => T | undefined): T | undefined {
  for (const { place } of readOnlyStores(host)) {
    const value = read(place);
    if (value !== undefined) return value;
  }
  return undefined;
}

function open(host: Host, directory: string): ReadOnlyStore | undefined {
  const place: Host = { ...host, dataRoot: directory, additionalStores: [] };
  try {
    accessSync(layout.ociLayout(place), constants.R_OK);
    const { R_OK, X_OK } = constants;
    for (const path of [layout.images(place), layout.tags(place)]) accessSync(path, R_OK | X_OK);
    accessSync(layout.blobs(place, 'sha256'), X_OK);
    return { place, hasUsableLayers: statSync(directory).uid === host.uid };
  } catch (error) {
    host.log.warn(`the image store ${directory} is left out: ${reasonOf(errnoOf(error), directory)}`);
    return undefined;
  }
}

function reasonOf(errno: string | undefined, directory: string): string {
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return 'there is none';
  if (errno !== 'EACCES') return errno ?? 'it cannot be read';
  return `it is closed to you; its owner opens it by \`chmod a+rX ${directory}\` and \`chmod -R a+rX\` of blobs, images, tags and oci-layout in it`;
}
