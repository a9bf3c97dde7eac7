/**
 * The images that the tests use, built once and kept in the temporary directory as OCI image layouts: `busybox` from
 * the machine's own busybox-static, `debian:bookworm` by mmdebstrap, `sixlayers` for measuring pulls, and
 * `manylayers`. A recipe's text is part of the cache's key: whoever changes it gets a new image.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Header } from 'tar-stream';
import { onPath } from './needs.ts';
import { archiveOf, type Image, imageOf, type Layer, layerOf, writeLayout } from './oci-image.ts';

type Entry = Partial<Header> & { name: string; content?: string | Buffer };

const recipes = { busybox, debian, postgres, web, sixlayers: sixLayers, manylayers: manyLayers } as const;
export type ImageName = keyof typeof recipes;

/** The tag under which each image is pushed. */
const tagOf: Record<ImageName, string> = {
  busybox: 'latest',
  debian: 'bookworm',
  postgres: 'latest',
  web: 'latest',
  sixlayers: 'latest',
  manylayers: 'latest',
};

/** The directory of the image's OCI layout; builds it when it is not there yet. */
export async function imageLayout(name: ImageName): Promise<string> {
  const recipe = recipes[name];
  const key = createHash('sha256').update(`${recipe}${entriesOfBusybox}${fillerLayer}`).digest('hex').slice(0, 12);
  const home = `${tmpdir()}/ctr-fixtures-${process.getuid?.() ?? 0}`;
  const dir = `${home}/${name}-${key}`;
  if (existsSync(`${dir}/index.json`)) return dir;
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const staging = mkdtempSync(join(home, '.making-'));
  try {
    writeLayout(staging, await recipe(), tagOf[name]);
    renameSync(staging, dir);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(`${dir}/index.json`)) throw error; // another process was faster
  }
  return dir;
}

export const referenceOf = (registryHost: string, name: ImageName): string => `${registryHost}/${name}:${tagOf[name]}`;

/** Copy the layout into a registry with skopeo: an independent reader agrees that the image is valid. */
export async function pushFixture(
  registryHost: string,
  name: ImageName,
  options: readonly string[] = [],
): Promise<string> {
  const reference = referenceOf(registryHost, name);
  const from = `oci:${await imageLayout(name)}:${tagOf[name]}`;
  const flags = ['--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false', ...options];
  execFileSync('skopeo', [...flags, from, `docker://${reference}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  return reference;
}

/** The root file system of `busybox` as a plain tar archive, for `--rootfs` and `podman import`. */
export async function busyboxArchive(): Promise<Buffer> {
  return archiveOf(entriesOfBusybox());
}

async function busybox(): Promise<Image> {
  return imageOf([layerOf(await archiveOf(entriesOfBusybox()))]);
}

/** A whole Debian, as its own installer makes it: owners, set-uid files, hard links and all. */
async function debian(): Promise<Image> {
  return imageOf([layerOf(debianArchive())], { cmd: ['bash'] });
}

/** A real service: PostgreSQL as Debian packages it, with the cluster that its package makes. */
async function postgres(): Promise<Image> {
  return imageOf([layerOf(debianArchive('postgresql'))], { cmd: ['bash'] });
}

/** nginx as Debian packages it, and iperf3: what is reached through a published port. */
async function web(): Promise<Image> {
  return imageOf([layerOf(debianArchive('nginx-light', 'iperf3'))], { cmd: ['bash'] });
}

function debianArchive(...packages: readonly string[]): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'ctr-debian-'));
  const include = packages.map((name) => `--include=${name}`);
  const [tar, stdio] = [`${work}/root.tar`, ['ignore', 'ignore', 'inherit'] as const];
  try {
    if (onPath('mmdebstrap')) {
      execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', ...include, 'bookworm', tar], { stdio: [...stdio] });
    } else {
      const args = ['--variant=minbase', ...include, 'bookworm', `${work}/root`];
      execFileSync('debootstrap', args, { stdio: [...stdio] });
      execFileSync('tar', ['-C', `${work}/root`, '--numeric-owner', '--xattrs', '-cf', tar, '.']);
    }
    return readFileSync(tar);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** About 300 MB unpacked: busybox, a Debian-like bulk of many small files, and a few large ones. */
async function sixLayers(): Promise<Image> {
  const layers: Layer[] = [layerOf(await archiveOf(entriesOfBusybox()))];
  const shapes = [
    [12_000, 8_000],
    [4_000, 16_000],
    [40, 1_500_000],
    [300, 120_000],
    [1, 20_000_000],
  ] as const;
  for (const [index, [files, sizeBytes]] of shapes.entries()) layers.push(await fillerLayer(index, files, sizeBytes));
  return imageOf(layers);
}

/** 150 layers, each changing one file of the one below and adding one. */
async function manyLayers(): Promise<Image> {
  const layers: Layer[] = [layerOf(await archiveOf(entriesOfBusybox()))];
  for (let level = 2; level <= 150; level++) {
    const entries: Entry[] = [
      { name: 'level', content: `${level}\n` },
      { name: `levels/${level}`, content: `${level}\n` },
    ];
    if (level === 150) entries.push({ name: 'levels/.wh.2' });
    layers.push(layerOf(await archiveOf(entries)));
  }
  return imageOf(layers);
}

/** Text-like bytes from a seeded generator: compresses to about a third, as programs do; equal on every machine. */
async function fillerLayer(seed: number, files: number, sizeBytes: number): Promise<Layer> {
  let state = seed + 1;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  const pool = Buffer.alloc(Math.min(sizeBytes, 64_000) + 64_000);
  for (let at = 0; at + 4 <= pool.length; at += 4) pool.writeUInt32LE(next() & 0x1f1f3f7f, at);
  const entries: Entry[] = [];
  for (let index = 0; index < files; index++) {
    const content = Buffer.alloc(sizeBytes);
    for (let at = 0; at < sizeBytes; at += 48_000) pool.copy(content, at, next() % 32_000);
    entries.push({ name: `srv/${seed}/${index % 97}/file-${index}`, content, uid: index % 3 === 0 ? 33 : 0, gid: 0 });
  }
  return layerOf(await archiveOf(entries));
}

function entriesOfBusybox(): Entry[] {
  const program = realpathSync(['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? '/bin/busybox');
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const directory = (name: string, mode = 0o755): Entry => ({ name, type: 'directory', mode });
  const file = (name: string, content: string, mode = 0o644): Entry => ({ name, content, mode });
  return [
    ...['bin', 'dev', 'etc', 'home', 'proc', 'sys', 'usr', 'usr/bin', 'var', 'var/www', 'levels'].map((name) =>
      directory(name),
    ),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(program) },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet): Entry => ({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' })),
    file(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n',
    ),
    file('etc/group', 'root:x:0:\nshadow:x:42:user\nwww-data:x:33:\nuser:x:1000:\n'),
    { ...file('etc/shadow', 'root:*:19000:0:99999:7:::\n', 0o640), gid: 42 },
  ];
}

/** Write busybox's root file system below `dir` with tar(1); owners are the caller's. */
export async function unpackBusybox(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const archive = `${dir}.tar`;
  writeFileSync(archive, await busyboxArchive());
  execFileSync('tar', ['-C', dir, '--no-same-owner', '-xf', archive]);
  rmSync(archive);
}
