/** The overlay networks among those that a container is on: their tunnels, loaded only where there is one. */
import type { Host } from '../base/host.ts';
import { isOverlay, listNetworks } from '../storage/network-store.ts';
import type { Place } from './network-setup.ts';

/** After setUpNetworks, before the names are served. The caller holds the holder's lock. */
export async function connectOverlays(host: Host, holder: number, places: readonly Place[]): Promise<void> {
  for (const network of places.map((place) => place.network).filter(isOverlay)) {
    const [{ ensureTunnel }, { askPeers }] = await Promise.all([
      import('./network-tunnel.ts'),
      import('./network-sync.ts'),
    ]);
    if (await ensureTunnel(host, holder, network)) await askPeers(host, holder, network);
  }
}

/** Whatever of the tunnels was killed is made again. The caller holds the holder's lock. */
export async function repairOverlays(host: Host, holder: number): Promise<void> {
  if (!listNetworks(host).some(isOverlay)) return;
  await (await import('./network-tunnel.ts')).repairTunnels(host, holder);
}
