/**
 * Every path that ctr keeps, in one place (R5): nothing else joins a path below the data or runtime root.
 *
 * dataRoot/                        survives reboots
 *   oci-layout, index.json         the blobs below are an OCI image layout; index.json is a cache of tags/
 *   blobs/sha256/<hex>             manifests, configs, layer archives
 *   tags/<escaped name>.json       name → image: the truth about names
 *   images/<config hex>.json       what an image consists of (immutable)
 *   layers/<diffId hex>-<kind>/    unpacked layers: diff/, layer.json (written last: the layer is whole)
 *   layers/l/<short>               symlinks with short names, for overlay's option page
 *   containers/<id>/               container.json, config.json, upper/, work/, rootfs/, etc files, log
 *   volumes/<name>/                volume.json, _data/
 *   tmp/<random>/                  staging; each entry is flocked by its maker, so orphans are recognisable
 * runRoot/                         gone after a reboot
 *   containers/<id>/               state.json, exit status, sockets, FIFOs
 *   locks/<kind>-<name>            flock(2) files
 */
import type { Host } from '../base/host.ts';

/** How owners are kept on disk: `m`apped through subordinate ids, or all the caller's own id (`s`ingle). */
export type OwnerKind = 'm' | 's';

const escapeName = (name: string) => encodeURIComponent(name).replaceAll('.', '%2E');

export const layout = {
  ociLayout: (host: Host) => `${host.dataRoot}/oci-layout`,
  index: (host: Host) => `${host.dataRoot}/index.json`,
  blobs: (host: Host) => `${host.dataRoot}/blobs/sha256`,
  blob: (host: Host, hex: string) => `${host.dataRoot}/blobs/sha256/${hex}`,
  tags: (host: Host) => `${host.dataRoot}/tags`,
  tag: (host: Host, name: string) => `${host.dataRoot}/tags/${escapeName(name)}.json`,
  images: (host: Host) => `${host.dataRoot}/images`,
  image: (host: Host, hex: string) => `${host.dataRoot}/images/${hex}.json`,
  layers: (host: Host) => `${host.dataRoot}/layers`,
  layer: (host: Host, hex: string, kind: OwnerKind) => `${host.dataRoot}/layers/${hex}-${kind}`,
  layerLinks: (host: Host) => `${host.dataRoot}/layers/l`,
  containers: (host: Host) => `${host.dataRoot}/containers`,
  container: (host: Host, id: string) => `${host.dataRoot}/containers/${id}`,
  volumes: (host: Host) => `${host.dataRoot}/volumes`,
  volume: (host: Host, name: string) => `${host.dataRoot}/volumes/${name}`,
  tmp: (host: Host) => `${host.dataRoot}/tmp`,
  runContainers: (host: Host) => `${host.runRoot}/containers`,
  runContainer: (host: Host, id: string) => `${host.runRoot}/containers/${id}`,
  locks: (host: Host) => `${host.runRoot}/locks`,
  lock: (host: Host, kind: string, name: string) => `${host.runRoot}/locks/${kind}-${escapeName(name)}`,
  seccompCache: (host: Host) => `${host.cacheHome}/seccomp`,
} as const;
