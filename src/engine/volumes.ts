/** Where the content of a container's volumes lies on the host. */
import { mkdirSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import type { HostFacts } from './runtime-spec/facts.ts';

/** Named volumes are made on first use. */
export function volumePathFor(
  host: Host,
  container: ContainerRecord,
  _stack: readonly string[],
): HostFacts['volumePath'] {
  return (mount) => {
    if (mount.subpath !== undefined)
      throw new CtrError('UNSUPPORTED', `mount ${mount.target}: subpath is not supported yet`);
    const name = mount.source ?? `${container.id.slice(0, 12)}${mount.target.replaceAll('/', '-')}`;
    const path = layout.volumeData(host, name);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  };
}
