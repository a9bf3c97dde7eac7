/** A list of what is in an image as an SPDX 2.3 document (spdx.github.io/spdx-spec/v2.3). Pure: the same image, the same text. */
import { version } from '../../base/version.ts';
import { type Digest, hexOf, sha256Of } from '../../oci/digest.ts';
import { type InstalledPackage, packageUrl, type parseOsRelease } from './package-database.ts';

export interface ImageFile {
  /** Absolute. */
  readonly path: string;
  readonly sha1: string;
  readonly sha256: string;
}

export interface Inventory {
  readonly packages: readonly InstalledPackage[];
  readonly release: ReturnType<typeof parseOsRelease>;
  /** Of an image without a package database. */
  readonly files: readonly ImageFile[];
}

export interface SpdxSubject {
  readonly name: string;
  /** Of the manifest. */
  readonly digest: Digest;
  /** RFC 3339, seconds. */
  readonly created: string;
}

const unknown = { licenseConcluded: 'NOASSERTION', copyrightText: 'NOASSERTION' };

export function spdxDocument(subject: SpdxSubject, { packages, release, files }: Inventory): object {
  const installed = packages.map((one) => {
    const locator = packageUrl(one, release);
    return {
      SPDXID: idOf(`${one.type}-${one.name}`, locator),
      name: one.name,
      versionInfo: one.version,
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      ...unknown,
      licenseDeclared: 'NOASSERTION',
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator }],
    };
  });
  const listed = files.map(({ path, sha1, sha256 }) => ({
    SPDXID: idOf('File', path),
    fileName: `.${path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
    ...unknown,
  }));
  const image = {
    SPDXID: 'SPDXRef-Image',
    name: subject.name,
    versionInfo: subject.digest,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: 'CONTAINER',
    ...unknown,
    licenseDeclared: 'NOASSERTION',
  };
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    documentNamespace: `https://spdx.org/spdxdocs/ctr-${hexOf(subject.digest)}`,
    creationInfo: { created: subject.created, creators: [`Tool: ctr-${version}`] },
    packages: [image, ...installed],
    ...(listed.length > 0 ? { files: listed } : {}),
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', 'SPDXRef-Image'),
      ...[...installed, ...listed].map(({ SPDXID }) => relation('SPDXRef-Image', 'CONTAINS', SPDXID)),
    ],
  };
}

const relation = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string) => ({
  ...{ spdxElementId, relationshipType, relatedSpdxElement },
});

/** Letters, digits, `.` and `-` only; the hash keeps two names apart that differ in others. */
function idOf(name: string, whole: string): string {
  return `SPDXRef-${name.replace(/[^A-Za-z0-9.-]/g, '-')}-${hexOf(sha256Of(whole)).slice(0, 12)}`;
}
