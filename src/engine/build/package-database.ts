/** What a distribution's package manager says is installed: dpkg (deb-control(5)) and apk ("installed" database). Pure. */

export interface InstalledPackage {
  readonly type: 'deb' | 'apk';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

type Fields = Readonly<Record<string, string>>;

/** /var/lib/dpkg/status, or a file of status.d in images without dpkg. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  return paragraphs(text, ': ').flatMap(({ Package: name, Version: version, Architecture, Status }) => {
    if (name === undefined || version === undefined) return [];
    // "want flag status"; status.d has no such field.
    if (Status !== undefined && !Status.endsWith(' installed')) return [];
    return [{ type: 'deb' as const, name, version, architecture: Architecture ?? 'all' }];
  });
}

/** /lib/apk/db/installed: one letter, a colon, the value. */
export function parseApkInstalled(text: string): InstalledPackage[] {
  return paragraphs(text, ':').flatMap(({ P: name, V: version, A }) => {
    if (name === undefined || version === undefined) return [];
    return [{ type: 'apk' as const, name, version, architecture: A ?? 'noarch' }];
  });
}

function paragraphs(text: string, separator: string): Fields[] {
  return text.split(/\n\s*\n/).map((paragraph) => {
    const fields = paragraph.split('\n').flatMap((line): Array<[string, string]> => {
      const at = line.indexOf(separator);
      // Lines that begin with a space go on with the field before.
      return at <= 0 || line.startsWith(' ') ? [] : [[line.slice(0, at), line.slice(at + separator.length).trim()]];
    });
    // The first of a name: apk lists files behind the package's own fields, with letters of their own.
    return Object.fromEntries(fields.reverse());
  });
}

/** The distribution that the packages are of (os-release(5)). */
export function parseOsRelease(text: string): { readonly id: string; readonly version?: string } {
  const value = (name: string) => new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(text)?.[1];
  const version = value('VERSION_ID');
  return { id: value('ID') || 'linux', ...(version ? { version } : {}) };
}

/** github.com/package-url/purl-spec, "deb", "apk". */
export function packageUrl(
  { type, name, version, architecture }: InstalledPackage,
  { id, version: release }: ReturnType<typeof parseOsRelease>,
): string {
  const distribution = release === undefined ? id : `${id}-${release}`;
  const encoded = [id, name].map(encodeURIComponent).join('/');
  const query = `arch=${encodeURIComponent(architecture)}&distro=${encodeURIComponent(distribution)}`;
  return `pkg:${type}/${encoded}@${encodeURIComponent(version)}?${query}`;
}
