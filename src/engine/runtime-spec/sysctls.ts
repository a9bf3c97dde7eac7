import { CtrError } from '../../base/ctr-error.ts';
import type { IdMapping } from '../../oci/runtime.ts';
import type { RunRequest } from '../run-request.ts';

const ofIpcNamespace = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/**
 * Kernel settings of the new namespaces (podman-run(1) "--sysctl"). In a network namespace of its own every group may
 * send pings and every user may listen on ports below 1024: nobody else is in it.
 */
export function sysctlsFor(request: RunRequest, gidMappings: readonly IdMapping[]): Record<string, string> {
  const { mode } = request.network;
  for (const name of Object.keys(request.sysctls)) {
    if (ofIpcNamespace.test(name)) continue;
    if (!name.startsWith('net.')) {
      throw new CtrError('INVALID', `--sysctl ${name}: the kernel has this setting once for the whole host`, {
        hint: 'only net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* belong to a container',
      });
    }
    if (mode === 'host') throw new CtrError('INVALID', `--sysctl ${name} cannot be set with --network host`);
  }
  if (mode === 'host' || mode === 'container' || mode === 'ns') return { ...request.sysctls };
  const lastGid = Math.max(0, ...gidMappings.map(({ containerID, size }) => containerID + size - 1));
  return {
    'net.ipv4.ping_group_range': `0 ${lastGid}`,
    'net.ipv4.ip_unprivileged_port_start': '0',
    ...request.sysctls,
  };
}
