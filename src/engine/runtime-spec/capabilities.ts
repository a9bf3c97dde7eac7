/** Which capabilities the first process gets (capabilities(7); Podman's rules, podman-run(1) "--cap-add"). */
import { CtrError } from '../../base/ctr-error.ts';
import type { RuntimeCapabilities } from '../../oci/runtime.ts';
import type { SecurityRequest } from '../run-request.ts';

/** What a container may do when nobody says otherwise. */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/**
 * Root gets the set as effective and permitted. Any other user starts with none of it, as execve would leave it,
 * but what was asked for by `--cap-add` is made ambient, or it could never be used. Inheritable is empty without
 * need (CVE-2022-27649).
 */
export function capabilitiesFor(
  security: SecurityRequest,
  uid: number,
  available: readonly string[],
): RuntimeCapabilities {
  const bounding = boundingSet(security, available);
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] };
  const added = security.capAdd.includes('ALL') ? bounding : bounding.filter((name) => security.capAdd.includes(name));
  return { bounding, effective: added, permitted: added, inheritable: added, ambient: added };
}

function boundingSet(
  { privileged, capAdd, capDrop }: SecurityRequest,
  available: readonly string[],
): readonly string[] {
  const both = capAdd.find((name) => capDrop.includes(name));
  if (both !== undefined) throw new CtrError('USAGE', `capability ${both} is both added and dropped`);
  const missing = capAdd.find((name) => name !== 'ALL' && !available.includes(name));
  if (missing !== undefined) {
    throw new CtrError('UNSUPPORTED', `capability ${missing} cannot be added: this host or kernel does not give it`);
  }
  const base = capDrop.includes('ALL') ? [] : privileged ? available : defaultCapabilities;
  const wanted = new Set(capAdd.includes('ALL') ? available : [...base, ...capAdd]);
  return available.filter((name) => wanted.has(name) && !capDrop.includes(name));
}
