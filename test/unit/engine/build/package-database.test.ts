import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  packageUrl,
  parseApkInstalled,
  parseDpkgStatus,
  parseOsRelease,
} from '../../../../src/engine/build/package-database.ts';

describe('parseDpkgStatus [U] deb-control(5)', () => {
  it('reads name, version and architecture of what is installed', () => {
    const text = [
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nDescription: C\n Version: 0\n',
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n',
      'Package: broken\n',
    ].join('\n');
    expect(parseDpkgStatus(text)).toEqual([{ type: 'deb', name: 'libc6', version: '2.36-9', architecture: 'amd64' }]);
  });

  it('takes files of status.d, which have no Status', () => {
    expect(parseDpkgStatus('Package: tzdata\nVersion: 2024a-0\nArchitecture: all')).toHaveLength(1);
  });
});

describe('parseApkInstalled [U]', () => {
  it('reads the package, not the files behind it', () => {
    const text = 'C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl.so\na:0:0:755\n\nP:zlib\nV:1.3\nA:x86_64\n';
    expect(parseApkInstalled(text).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'musl 1.2.4-r2',
      'zlib 1.3',
    ]);
  });
});

describe('packageUrl [U] purl-spec', () => {
  it('names the distribution, and encodes what a version may have', () => {
    const release = parseOsRelease('NAME="x"\nID=debian\nVERSION_ID="12"\n');
    const one = { type: 'deb', name: 'g++', version: '1:2+b~1', architecture: 'amd64' } as const;
    expect(packageUrl(one, release)).toBe('pkg:deb/debian/g%2B%2B@1%3A2%2Bb~1?arch=amd64&distro=debian-12');
  });
});

it('reads any text, of a stranger’s image, without an error [U]', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const one of [...parseDpkgStatus(text), ...parseApkInstalled(text)]) packageUrl(one, parseOsRelease(text));
    }),
  );
});
