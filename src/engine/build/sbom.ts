/** `--sbom`: the packages that the image's own databases list; the files, where it has none. Nothing of the image is run. */
import { fromText } from '../../image/layer/byte-string.ts';
import { readFileInLayers } from '../../storage/layer-file.ts';
import type { Build, StageState } from './build-state.ts';
import { entriesIn, resolveIn } from './layer-stack.ts';
import { layersBelow } from './new-layer.ts';
import { type InstalledPackage, parseApkInstalled, parseDpkgStatus, parseOsRelease } from './package-database.ts';
import { type ImageFile, type Inventory, type SpdxSubject, spdxDocument } from './spdx.ts';

const maxDatabaseBytes = 128 * 1024 * 1024;
const dpkgDirectory = '/var/lib/dpkg/status.d';

export async function sbomOf(build: Build, state: StageState, subject: SpdxSubject): Promise<object> {
  return spdxDocument(subject, await inventoryOf(build, state));
}

async function inventoryOf(build: Build, state: StageState): Promise<Inventory> {
  const layers = layersBelow(build, state);
  const read = (path: string) =>
    layers.length === 0 ? undefined : readFileInLayers(layers, path, maxDatabaseBytes)?.toString('utf8');
  const debs = [read('/var/lib/dpkg/status'), ...namesIn(layers).map((name) => read(`${dpkgDirectory}/${name}`))];
  const apks = [read('/lib/apk/db/installed') ?? read('/usr/lib/apk/db/installed')];
  const packages = [
    ...debs.flatMap((text) => parseDpkgStatus(text ?? '')),
    ...apks.flatMap((text) => parseApkInstalled(text ?? '')),
  ].sort(byName);
  const release = parseOsRelease(read('/etc/os-release') ?? read('/usr/lib/os-release') ?? '');
  const needsFiles = packages.length === 0 && layers.length > 0;
  const files = needsFiles ? await build.worker.ask<ImageFile[]>({ op: 'list-files', layers }) : [];
  return { packages, release, files };
}

/** Images without dpkg have a file for each package, beside checksums. */
function namesIn(layers: readonly string[]): string[] {
  if (layers.length === 0) return [];
  const directory = resolveIn(layers.map(fromText), dpkgDirectory, { what: 'the image' })?.merged ?? [];
  return directory.length === 0
    ? []
    : entriesIn(directory).flatMap(({ name }) => (name.endsWith('.md5sums') ? [] : name));
}

function byName(a: InstalledPackage, b: InstalledPackage): number {
  const key = ({ name, version, architecture }: InstalledPackage) => `${name} ${version} ${architecture}`;
  return key(a) < key(b) ? -1 : 1;
}
