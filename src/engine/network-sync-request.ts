/** How what is changed here of an overlay network gets known elsewhere: a byte for its listener (network-listener.ts). */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { layout } from '../storage/layout.ts';
import type { NetworkRecord } from '../storage/network-store.ts';

/** Let the peers know who is on the network now; without a tunnel there is nobody to tell. */
export function askForSync(host: Host, network: NetworkRecord): void {
  if (!network.overlay) return;
  try {
    const fd = openSync(layout.overlayFile(host, network.id, 'fifo'), constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, '\n');
    closeSync(fd);
  } catch {
    // ENOENT, ENXIO: no tunnel, or one that is to be repaired; it begins with telling. EAGAIN: it is asked already.
  }
}
