/** Connections to a container's supervisor (ns/attach-server.ts). */
import { closeSync, openSync } from 'node:fs';
import { SOCK } from '../linux/constants.ts';
import { connectedSocket } from '../linux/descriptors.ts';

/** To the supervisor of a container that runs, or is about to: frames out, plain input in. */
export function connectToContainer(directory: string): number {
  return connected(SOCK.STREAM, directory, 'attach');
}

/** Takes one struct winsize per message. */
export function connectToSizes(directory: string): number {
  return connected(SOCK.DGRAM, directory, 'size');
}

/** sun_path holds 108 bytes, less than many runtime directories need. unix(7) */
function connected(type: number, directory: string, name: string): number {
  const fd = openSync(directory, 'r');
  try {
    return connectedSocket(type, `/proc/self/fd/${fd}/${name}`);
  } finally {
    closeSync(fd);
  }
}
