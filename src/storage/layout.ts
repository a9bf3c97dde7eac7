/**
 * Every path that ctr keeps, in one place (R5): nothing else joins a path below the data or runtime root.
 *
 * dataRoot/                        survives reboots
 *   oci-layout, index.json         the blobs below are an OCI image layout; index.json is a cache of tags/
 *   blobs/<algorithm>/<hex>        manifests, configs, layer archives
 *   tags/<escaped name>.json       name → image: the truth about names
 *   lists/<escaped name>.json      manifest lists being put together (`ctr manifest`)
 *   images/<config hex>.json       what an image consists of (immutable)
 *   layers/<diffId hex>-<kind>/    unpacked layers: diff/, layer.json (inside before the directory gets this name)
 *   layers/l/<short>               symlinks to diff/ with short names, for overlay's option page
 *   containers/<id>/               container.json, config.json, life.json, exit, upper/, work/, rootfs/, mounts/, etc files, log
 *   names/<escaped name>           symlink whose target is the id of the container that has the name
 *   volumes/<name>/                volume.json, _data/
 *   networks/<escaped name>.json   named networks
 *   build/steps/<key>.json         what a build's step with this key made
 *   build/mounts/<name>/           cache mounts of builds: the directory, mount.json
 *   tmp/<random>, <random>.lock    staging; the lock is held by the maker, so orphans are recognisable
 *   store.lock                     flock: shared while something is added, exclusive while something is collected
 * runRoot/                         gone after a reboot
 *   containers/<id>/               state.json, exit status, sockets, FIFOs
 *   networks/<escaped name>.json   who is on a network, with which addresses
 *   networks/<escaped name>.peers  who is on it on other machines
 *   holder/                        the holder of all bridge networks: its pid, lifeline, names for aardvark-dns
 *   images/<config hex>/            mount points of `ctr image mount`
 *   events, events.1               what happened, one JSON object per line; the older half
 *   locks/<kind>-<name>            flock(2) files
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { algorithmOf, type Digest, hexOf, sha256Of } from '../oci/digest.ts';

/**
 * How owners are kept on disk: `m`apped through subordinate ids, all the caller's own id (`s`ingle), or by another map
 * (x and eight hex digits of it).
 */
export type OwnerKind = 'm' | 's' | `x${string}`;

/** An owner kind, out of a file or a name. */
export function parseOwnerKind(text: string): OwnerKind {
  if (text === 'm' || text === 's') return text;
  if (/^x[0-9a-f]{8}$/.test(text)) return `x${text.slice(1)}`;
  throw new CtrError('INVALID', `${JSON.stringify(text)} is no kind of owners`);
}

/** NAME_MAX is 255; the rest is for `.json` and the random part of a temporary name. */
const maxEscapedLength = 200;

/** One path component for any name; injective (a name too long for a file becomes its SHA-256 behind a `~`). */
export function escapeName(name: string): string {
  const escaped = encodeURIComponent(name).replaceAll('.', '%2E').replaceAll('~', '%7E');
  return escaped.length <= maxEscapedLength ? escaped : `~${hexOf(sha256Of(name))}`;
}

export const layout = {
  storeLock: (host: Host) => `${host.dataRoot}/store.lock`,
  ociLayout: (host: Host) => `${host.dataRoot}/oci-layout`,
  index: (host: Host) => `${host.dataRoot}/index.json`,
  blobRoot: (host: Host) => `${host.dataRoot}/blobs`,
  blobs: (host: Host, algorithm: 'sha256' | 'sha512') => `${host.dataRoot}/blobs/${algorithm}`,
  blob: (host: Host, digest: Digest) => `${host.dataRoot}/blobs/${algorithmOf(digest)}/${hexOf(digest)}`,
  tags: (host: Host) => `${host.dataRoot}/tags`,
  tag: (host: Host, name: string) => `${host.dataRoot}/tags/${escapeName(name)}.json`,
  images: (host: Host) => `${host.dataRoot}/images`,
  manifestLists: (host: Host) => `${host.dataRoot}/lists`,
  manifestList: (host: Host, name: string) => `${host.dataRoot}/lists/${escapeName(name)}.json`,
  image: (host: Host, hex: string) => `${host.dataRoot}/images/${hex}.json`,
  layers: (host: Host) => `${host.dataRoot}/layers`,
  layer: (host: Host, hex: string, kind: OwnerKind) => `${host.dataRoot}/layers/${hex}-${kind}`,
  layerLinks: (host: Host) => `${host.dataRoot}/layers/l`,
  containers: (host: Host) => `${host.dataRoot}/containers`,
  container: (host: Host, id: string) => `${host.dataRoot}/containers/${id}`,
  names: (host: Host) => `${host.dataRoot}/names`,
  name: (host: Host, name: string) => `${host.dataRoot}/names/${escapeName(name)}`,
  upper: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/upper`,
  work: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/work`,
  rootMount: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/rootfs`,
  containerConfig: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/config.json`,
  containerEtc: (host: Host, id: string, name: string) => `${host.dataRoot}/containers/${id}/${name}`,
  containerLog: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/log`,
  containerExit: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/exit`,
  containerTextLog: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/output.log`,
  containerHealth: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/health.json`,
  containerLife: (host: Host, id: string) => `${host.dataRoot}/containers/${id}/life.json`,
  volumes: (host: Host) => `${host.dataRoot}/volumes`,
  volumeData: (host: Host, name: string) => `${host.dataRoot}/volumes/${name}/_data`,
  volume: (host: Host, name: string) => `${host.dataRoot}/volumes/${name}`,
  volumeRecord: (host: Host, name: string) => `${host.dataRoot}/volumes/${name}/volume.json`,
  /** Content on its way into a volume that is used for the first time. */
  volumeCopy: (host: Host, name: string) => `${host.dataRoot}/volumes/${name}/_copy`,
  /** For the mount with this number of a container: a mount point, or a copy where there is no overlay. */
  containerMount: (host: Host, id: string, index: number) => `${host.dataRoot}/containers/${id}/mounts/${index}`,
  pluginSocket: (host: Host, name: string) => `${host.runRoot}/plugins/${name}.sock`,
  pluginSpec: (host: Host, name: string) => `${host.configHome}/ctr/plugins/${name}.spec`,
  secrets: (host: Host) => `${host.dataRoot}/secrets`,
  secret: (host: Host, name: string) => `${host.dataRoot}/secrets/${escapeName(name)}.json`,
  imageMount: (host: Host, hex: string) => `${host.runRoot}/images/${hex}`,
  containerSecret: (host: Host, id: string, n: number) => `${host.runRoot}/containers/${id}/secrets/${n}`,
  networks: (host: Host) => `${host.dataRoot}/networks`,
  network: (host: Host, name: string) => `${host.dataRoot}/networks/${escapeName(name)}.json`,
  runNetworks: (host: Host) => `${host.runRoot}/networks`,
  networkMembers: (host: Host, name: string) => `${host.runRoot}/networks/${escapeName(name)}.json`,
  networkPeers: (host: Host, name: string) => `${host.runRoot}/networks/${escapeName(name)}.peers`,
  holder: (host: Host) => `${host.runRoot}/holder`,
  holderFile: (host: Host, name: string) => `${host.runRoot}/holder/${name}`,
  overlayFile: (host: Host, networkId: string, name: string) =>
    `${host.runRoot}/holder/overlay-${networkId.slice(0, 12)}/${name}`,
  buildSteps: (host: Host) => `${host.dataRoot}/build/steps`,
  buildStep: (host: Host, hex: string) => `${host.dataRoot}/build/steps/${hex}.json`,
  buildMounts: (host: Host) => `${host.dataRoot}/build/mounts`,
  buildMount: (host: Host, name: string) => `${host.dataRoot}/build/mounts/${escapeName(name)}`,
  /** Secrets of a build that runs: in memory where the runtime root is. */
  buildRun: (host: Host, name: string) => `${host.runRoot}/build-${name}`,
  tmp: (host: Host) => `${host.dataRoot}/tmp`,
  runContainers: (host: Host) => `${host.runRoot}/containers`,
  runContainer: (host: Host, id: string) => `${host.runRoot}/containers/${id}`,
  events: (host: Host) => `${host.runRoot}/events`,
  networksOf: (host: Host, id: string) => `${host.runRoot}/containers/${id}/networks.json`,
  slirpProcess: (host: Host, id: string) => `${host.runRoot}/containers/${id}/slirp.json`,
  locks: (host: Host) => `${host.runRoot}/locks`,
  lock: (host: Host, kind: string, name: string) => `${host.runRoot}/locks/${kind}-${escapeName(name)}`,
  seccompCache: (host: Host) => `${host.cacheHome}/seccomp`,
  driverVerdict: (host: Host) => `${host.cacheHome}/storage-driver.json`,
} as const;
