/** The probes of `ctr doctor` that are about this user and these directories; the kernel's own are in linux/probe.ts. */
import { accessSync, constants, mkdirSync, statfsSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { humanSize } from '../base/units.ts';
import { findExecutable } from '../linux/host-files.ts';
import { degraded, failed, kernelProbes, ok, type Probe, type ProbeResult } from '../linux/probe.ts';
import { type Range, subIds } from '../linux/subids.ts';
import { attempt } from '../linux/user-namespace-trial.ts';
import { chooseIdMaps, writeIdMaps } from '../ns/id-maps.ts';
import { cgroupManager } from './cgroups.ts';
import { missingNetworkPrograms } from './network-programs.ts';
import { probePasta } from './probe-pasta.ts';
import { missingForFuse, tryOverlay } from './storage-driver.ts';

export interface ProbeReport extends ProbeResult {
  readonly name: string;
  readonly title: string;
}

/** Every probe, in the order in which a container start needs what they try. */
export function hostProbes(host: Host): readonly Probe[] {
  const path = host.env.PATH ?? '';
  return [
    ...kernelProbes,
    { name: 'subids', title: 'subordinate user and group ids', run: () => probeSubIds(host) },
    { name: 'newuidmap', title: 'newuidmap and newgidmap write the id maps', run: () => probeIdMaps(host, path) },
    { name: 'overlay', title: 'overlay can be mounted in a user namespace', run: () => probeOverlay(host) },
    { name: 'fuse', title: 'fuse-overlayfs, where overlay is refused', run: () => probeFuse(host, path) },
    { name: 'cgroup', title: 'cgroups for limits are delegated', run: () => probeCgroup(host) },
    { name: 'pasta', title: 'pasta connects a network namespace', run: () => probePasta(host, path) },
    { name: 'networks', title: 'programs for named networks are installed', run: () => probeNetworkPrograms(host) },
    { name: 'data-root', title: `space for images in ${host.dataRoot}`, run: () => probeDataRoot(host) },
    { name: 'runtime-dir', title: `runtime directory ${host.runRoot}`, run: () => probeRuntimeDir(host) },
  ];
}

/** Run all probes, one after the other: each starts a process or two. */
export async function runProbes(probes: readonly Probe[]): Promise<ProbeReport[]> {
  const reports: ProbeReport[] = [];
  for (const { name, title, run } of probes) reports.push({ name, title, ...(await run()) });
  return reports;
}

function probeNetworkPrograms(host: Host): ProbeResult {
  const missing = missingNetworkPrograms(host);
  if (missing.length === 0) return ok('netavark, aardvark-dns, iptables, ip');
  const packages = missing.map(({ packageName }) => packageName).join(' ');
  return degraded(`missing: ${missing.map(({ name }) => name).join(', ')}`, `install the packages ${packages}`);
}

const idsForImages = 65536;

function probeSubIds({ uid }: Host): ProbeResult {
  const { uid: uids, gid: gids } = subIds(uid);
  const total = (ranges: readonly Range[]) => ranges.reduce((sum, { count }) => sum + count, 0);
  const [uidCount, gidCount] = [total(uids), total(gids)];
  const detail = `${uidCount} user ids, ${gidCount} group ids`;
  if (Math.min(uidCount, gidCount) >= idsForImages) return ok(detail);
  const name = loginNameOf(uid);
  const add = `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`;
  if (uidCount === 0 || gidCount === 0) {
    return uid === 0
      ? degraded(`${detail}: containers of root keep the ids of this namespace`, add)
      : degraded(`${detail}: all files in containers have one owner`, add);
  }
  return degraded(`${detail}: images with higher ids cannot be unpacked faithfully`, add);
}

function loginNameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid); // no passwd entry
  }
}

function probeIdMaps(host: Host, path: string): ProbeResult {
  const find = (name: string) => findExecutable(name, path);
  const maps = chooseIdMaps({ uid: host.uid, gid: host.gid, find });
  const missing = ['newuidmap', 'newgidmap'].filter((name) => find(name) === undefined);
  if (missing.length > 0) {
    return degraded(
      `${missing.join(' and ')} not found`,
      'install the package uidmap (Debian, Ubuntu) or shadow-utils',
    );
  }
  if (maps.kind !== 'subordinate') return ok(`not needed: ${maps.notice ?? `${maps.kind} map`}`);
  const failure = attempt({ flags: 0, build: () => {}, writeMaps: (pid) => writeIdMaps(pid, maps) });
  if (failure === undefined) return ok('a namespace got its maps');
  return degraded(
    failure,
    `sudo chmod u+s ${find('newuidmap')} ${find('newgidmap')}; both lose it when copied into images`,
  );
}

function probeOverlay(host: Host): ProbeResult {
  const trial = tryOverlay(host);
  if (trial.works) return ok('mounted one with userxattr and wrote through it');
  if (!trial.isTried)
    return degraded(`not tried: ${trial.reason}`, 'make the data root writable, or choose another: --root');
  return degraded(trial.reason, 'use a kernel of version 5.11 or later and --root on ext4, xfs, btrfs or tmpfs');
}

function probeFuse(host: Host, path: string): ProbeResult {
  const lacks = missingForFuse(path);
  if (lacks === undefined) return ok('fuse-overlayfs and /dev/fuse are there');
  if (tryOverlay(host).works) return ok(`not needed: overlay works (${lacks})`);
  return degraded(
    `${lacks}: every container is a full copy of its image (vfs)`,
    'install the package fuse-overlayfs; in a container: --device /dev/fuse; on a host: sudo chmod 666 /dev/fuse',
  );
}

function probeCgroup(host: Host): ProbeResult {
  const manager = cgroupManager(host);
  if (manager.kind === 'none') return degraded(`no limits: ${manager.reason}`, manager.hint);
  const where = manager.kind === 'systemd' ? 'the systemd of your session' : manager.directory;
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !manager.controllers.includes(name));
  if (missing.length === 0) return ok(`${where}: ${manager.controllers.join(' ')}`);
  return degraded(
    `${where} lacks ${missing.join(' ')}: no such limits`,
    'delegate them: systemctl edit user@.service, [Service] Delegate=cpu cpuset io memory pids',
  );
}

/** statfs(2) f_type of file systems where locks, xattrs or mapped owners do not work as a store needs them. */
const networkFileSystems = new Map([
  [0x6969, 'NFS'],
  [0xff53_4d42, 'CIFS'],
  [0xfe53_4d42, 'SMB2'],
  [0x0bd0_0bd0, 'Lustre'],
  [0x4750_4653, 'GPFS'],
  [0x0102_1997, '9p'],
  [0x6573_5546, 'FUSE'],
]);

const leastFreeBytes = 1024 ** 3;

function probeDataRoot(host: Host): ProbeResult {
  try {
    mkdirSync(host.dataRoot, { recursive: true, mode: 0o700 });
    accessSync(host.dataRoot, constants.W_OK | constants.X_OK);
  } catch (error) {
    return failed(`${errnoOf(error)}: it cannot be written`, 'choose another place with --root or XDG_DATA_HOME');
  }
  const { type, bavail, bsize } = statfsSync(host.dataRoot);
  const remote = networkFileSystems.get(type);
  if (remote !== undefined) {
    return degraded(`on ${remote}: no overlay, no mapped owners`, 'put it on a local disk: --root /var/tmp/$USER/ctr');
  }
  const free = `${humanSize(bavail * bsize)} free`;
  if (bavail * bsize < leastFreeBytes) return degraded(free, 'free some space (`ctr system prune`), or use --root');
  return ok(free);
}

function probeRuntimeDir(host: Host): ProbeResult {
  const set = host.env.XDG_RUNTIME_DIR;
  const remedy = 'log in with pam_systemd, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700 on a tmpfs';
  if (!set) return degraded('XDG_RUNTIME_DIR is not set: a directory in /tmp is used', remedy);
  try {
    const { uid, mode } = statSync(set);
    if (uid !== host.uid) return failed(`${set} belongs to uid ${uid}`, remedy);
    if ((mode & 0o077) !== 0) return degraded(`${set} is open to others`, `chmod 700 ${set}`);
    accessSync(set, constants.W_OK | constants.X_OK);
    return ok(set);
  } catch (error) {
    return failed(`${set}: ${errnoOf(error)}`, remedy);
  }
}
