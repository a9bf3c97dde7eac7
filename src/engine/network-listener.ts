/**
 * Who hears the other machines of an overlay network: a program of some kilobytes with a socket in the tunnel, which
 * executes ctr for a moment when a peer speaks, when somebody asks by its FIFO, and when it is time (ns/timer.ts). It
 * keeps the holder alive until the last container's leaving has been told: `network sync` ends it then.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { moveUp } from '../linux/descriptors.ts';
import { mknod, nodeTypes } from '../linux/files.ts';
import { identifyProcess, type ProcessIdentity } from '../linux/process-identity.ts';
import { type OverlaySecret, tunnelAddressOf } from '../net/overlay-keys.ts';
import { tunnelPort } from '../net/wireguard.ts';
import { listenInside } from '../ns/socket-inside.ts';
import { startTimer } from '../ns/timer.ts';
import { layout } from '../storage/layout.ts';
import type { OverlayNetwork } from '../storage/network-store.ts';
import { ctrEnvironment } from './cleanup-program.ts';
import { openLifeline } from './network-holder.ts';

const fdFloor = 100;
/** Peers are told when something changes; again soon where one was not reached, and now and then to see that all is well. */
const rhythm = { firstMs: 1000, soonerMs: 15_000, intervalMs: 60_000 };
const etcdRhythm = { firstMs: 1, soonerMs: 10_000, intervalMs: 10_000 };

/** It ends with the holder. */
export function startListener(
  host: Host,
  holder: number,
  network: OverlayNetwork,
  secret: OverlaySecret,
): ProcessIdentity {
  const address = tunnelAddressOf(secret, network.overlay.self);
  const networkFile = `/proc/${holder}/root${layout.overlayFile(host, network.id, 'netns')}`;
  const fifoPath = layout.overlayFile(host, network.id, 'fifo');
  mknod(fifoPath, nodeTypes.fifo | 0o600, { major: 0, minor: 0 });
  const socket = listenInside({ pid: holder, network: networkFile, address, port: tunnelPort });
  const fifo = moveUp(openSync(fifoPath, constants.O_RDWR | constants.O_NONBLOCK), fdFloor);
  const lifeline = openLifeline(host);
  try {
    const pid = startTimer({
      ...{ pid: holder, name: 'ctr-overlay' },
      ...(network.overlay.etcd === undefined ? rhythm : etcdRhythm),
      args: ownProgram('network', 'sync', network.name),
      env: ctrEnvironment(host),
      wakes: { fifo, socket, lifeline, connectionArgs: ownProgram('network', 'sync', '--receive', network.name) },
    });
    const known = identifyProcess(pid);
    if (known) return known;
    throw new CtrError('NETWORK', `who hears the peers of network ${network.name} ended at once`);
  } finally {
    closeSync(socket);
    closeSync(fifo);
    closeSync(lifeline);
  }
}
