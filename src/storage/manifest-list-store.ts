/** Manifest lists that the user puts together before they are pushed: `lists/<name>.json`, replaced as a whole. */
import { mkdirSync, rmSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, type Check, object, optional, record, string } from '../oci/check.ts';
import { type Descriptor, descriptor } from '../oci/descriptor.ts';
import { canonicalName, parseReference, withDefaultTag } from '../oci/reference.ts';
import { layout } from './layout.ts';
import { ensureDataRoot, namesIn } from './roots.ts';

export interface ManifestList {
  /** Canonical, with its tag; a name without a registry is local, as in Podman. */
  readonly name: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const manifestList: Check<ManifestList> = object({
  name: string,
  manifests: array(descriptor),
  annotations: optional(record(string)),
});

export function listName(text: string): string {
  return canonicalName(withDefaultTag(parseReference(text, 'localhost')));
}

export function findManifestList(host: Host, name: string): ManifestList | undefined {
  const path = layout.manifestList(host, listName(name));
  const value = readJsonFile(path);
  return value === undefined ? undefined : manifestList(value, path);
}

/** Throws NOT_FOUND. */
export function resolveManifestList(host: Host, name: string): ManifestList {
  const found = findManifestList(host, name);
  if (found) return found;
  throw new CtrError('NOT_FOUND', `${name}: no such manifest list`, { hint: `ctr manifest create ${name}` });
}

/** Write it anew; the blobs that it names are stored already. */
export function writeManifestList(host: Host, list: ManifestList): void {
  ensureDataRoot(host);
  mkdirSync(layout.manifestLists(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.manifestList(host, list.name), list, { durable: true });
}

/** Its images stay if something else needs them. */
export function removeManifestList(host: Host, list: ManifestList): void {
  rmSync(layout.manifestList(host, list.name), { force: true });
}

/** All of them. A record that cannot be read is left out with a warning. */
export function listManifestLists(host: Host): ManifestList[] {
  const files = namesIn(layout.manifestLists(host)).filter((name) => name.endsWith('.json'));
  return files.flatMap((name) => {
    const path = `${layout.manifestLists(host)}/${name}`;
    try {
      const value = readJsonFile(path);
      return value === undefined ? [] : [manifestList(value, path)];
    } catch (error) {
      host.log.warn(`ignoring ${path}: ${error instanceof Error ? error.message : error}`);
      return [];
    }
  });
}
