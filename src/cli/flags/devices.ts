/** --device (podman-run(1)). */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { DeviceRequest } from '../../engine/run-request.ts';
import { flagError } from './flag-error.ts';

/** `/dev/fuse`, `/dev/sda:/dev/xvda`, `/dev/sda:r`, `/dev/sda:/dev/xvda:rw`. */
export function parseDevice(text: string): DeviceRequest {
  const [hostPath = '', ...rest] = text.split(':');
  const isMode = (word: string) => /^[rwm]{1,3}$/.test(word);
  const [first, second] = rest;
  const containerPath = first !== undefined && !isMode(first) ? first : hostPath;
  const permissions = second ?? (first !== undefined && isMode(first) ? first : 'rwm');
  const absolute = posix.isAbsolute(hostPath) && posix.isAbsolute(containerPath);
  if (rest.length > 2 || !absolute || !isMode(permissions) || (second !== undefined && isMode(first ?? ''))) {
    throw flagError('--device', text, 'want /dev/HOST[:/dev/CONTAINER[:PERMISSIONS]], permissions being some of rwm');
  }
  return { hostPath: posix.normalize(hostPath), containerPath: posix.normalize(containerPath), permissions };
}

/** The nodes that a request means on this host: symbolic links resolved, a directory as all nodes below it. */
export function findDevices(device: DeviceRequest): DeviceRequest[] {
  const stat = statSync(device.hostPath, { throwIfNoEntry: false });
  if (stat?.isCharacterDevice() || stat?.isBlockDevice()) {
    return [{ ...device, hostPath: realpathSync(device.hostPath) }];
  }
  const nodes = stat?.isDirectory() ? nodesBelow(device) : [];
  if (nodes.length > 0) return nodes;
  throw new CtrError(
    'NOT_FOUND',
    `--device ${device.hostPath}: ${stat ? 'not a device' : 'no such device'} on this host`,
  );
}

function nodesBelow(device: DeviceRequest): DeviceRequest[] {
  return readdirSync(device.hostPath, { withFileTypes: true }).flatMap((entry) => {
    const at = (path: string) => posix.join(path, entry.name);
    const child = { ...device, hostPath: at(device.hostPath), containerPath: at(device.containerPath) };
    if (entry.isDirectory()) return nodesBelow(child);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [child] : [];
  });
}
