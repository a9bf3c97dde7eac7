/**
 * Tell systemd that a container is ready (sd_notify(3), podman-run(1) --sdnotify): for units of Type=notify whose
 * ExecStart is `ctr run` or `ctr start`. Loaded only where NOTIFY_SOCKET is set.
 */
import { closeSync, writeSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { SOCK } from '../linux/constants.ts';
import { connectedSocket } from '../linux/descriptors.ts';
import type { Launched } from '../ns/launch.ts';
import type { RunRequest } from './run-request.ts';
import { waitForContainer } from './wait-container.ts';

/**
 * The container runs: what is said of it. In the background its supervisor is the unit's main process from now on; this
 * returns when all that ctr has to say is said. With `container` the rest comes from inside.
 */
export async function announce(
  host: Host,
  { id, request }: { readonly id: string; readonly request: RunRequest },
  launched: Launched,
  isDetached: boolean,
): Promise<void> {
  const socket = host.env.NOTIFY_SOCKET ?? '';
  const mode = request.sdNotify ?? 'container';
  const main = isDetached ? [`MAINPID=${launched.supervisor}`] : [];
  if (mode === 'ignore') return;
  if (mode === 'container') return send(host, socket, main);
  if (mode === 'healthy') await waitForContainer(host, id, { conditions: ['healthy'], intervalMs: 200 });
  send(host, socket, [...main, 'READY=1']);
}

function send(host: Host, socket: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  try {
    const fd = connectedSocket(SOCK.DGRAM, socket);
    writeSync(fd, lines.join('\n'));
    closeSync(fd);
  } catch (error) {
    host.log.warn(`systemd could not be told: ${error instanceof Error ? error.message : error}`);
  }
}
