/** An image of three layers with everything that a storage driver and a volume have to keep. */
import type { Header } from 'tar-stream';
import { busyboxArchive } from './images.ts';
import { archiveOf, imageOf, layerOf, pushImage } from './oci-image.ts';

type Entry = Partial<Header> & { name: string; content?: string };

const directory = (name: string, more: Partial<Header> = {}): Entry => ({ name, type: 'directory', ...more });
const file = (name: string, content: string, more: Partial<Header> = {}): Entry => ({ name, content, ...more });
const app = { uid: 1000, gid: 1000 };

const lower: readonly Entry[] = [
  ...['app', 'gone', 'opaque', 'data', 'data/deep', 'empty', 'vol'].map((name) => directory(name)),
  file('app/one', 'one\n', { uid: 33, gid: 42, mode: 0o640 }),
  file('app/replaced', 'old\n'),
  file('app/removed', 'x\n'),
  file('gone/file', 'x\n'),
  file('opaque/below', 'x\n'),
  file('data/a', 'a\n', { ...app, mode: 0o600 }),
  file('data/deep/b', 'b\n'),
  { name: 'data/hard', type: 'link', linkname: 'data/a' },
  { name: 'data/outside', type: 'symlink', linkname: '/etc/passwd' },
  file('vol/first', 'first\n'),
];

const upper: readonly Entry[] = [
  file('app/replaced', 'new\n'),
  file('app/.wh.removed', ''),
  file('.wh.gone', ''),
  directory('opaque'),
  file('opaque/.wh..wh..opq', ''),
  file('opaque/above', 'x\n'),
  { name: 'app/suid', mode: 0o4755, content: '#!/bin/sh\n' },
  directory('secret', { ...app, mode: 0o700 }),
  file('secret/s', 's\n', { ...app, mode: 0o600 }),
];

/** cap_net_raw+ep as setcap(8) writes it (linux/capability.h, VFS_CAP_REVISION_2). */
const netRaw = `\x01\0\0\x02\0\x20${'\0'.repeat(14)}`;

/** Push it; returns its reference. `many`: with 20,000 more files in /many, some with attributes, and 200 links to some. */
export async function pushLayered(registryHost: string, options: { many?: boolean } = {}): Promise<string> {
  const name = options.many ? 'layered-many' : 'layered';
  const many = Array.from({ length: options.many ? 20_000 : 0 }, (_, index) =>
    file(`many/${index % 100}/${index}`, `${index}`, {
      ...{ uid: index % 7, gid: index % 5, mode: index % 11 === 0 ? 0o4750 : 0o644 },
      ...(index % 10 === 0 ? { pax: { 'SCHILY.xattr.user.number': `${index}` } } : {}),
      ...(index % 50 === 7 ? { pax: { 'SCHILY.xattr.security.capability': netRaw } } : {}),
    }),
  );
  const links = Array.from({ length: options.many ? 200 : 0 }, (_, index): Entry => {
    return { name: `many/links/${index}`, type: 'link', linkname: `many/${index % 100}/${index}` };
  });
  const layers = [
    layerOf(await busyboxArchive()),
    layerOf(await archiveOf([...lower, ...many, ...links])),
    layerOf(await archiveOf([...upper])),
  ];
  await pushImage(`http://${registryHost}`, name, 'latest', imageOf(layers, { volumes: ['/vol'] }));
  return `${registryHost}/${name}:latest`;
}
