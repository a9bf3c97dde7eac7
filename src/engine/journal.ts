/** Stream sockets of systemd's journal (systemd "Journal Native Protocols", sd_journal_stream_fd(3)). */
import { writeSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { SOCK } from '../linux/constants.ts';
import { connectedSocket } from '../linux/descriptors.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import type { LogRequest } from './run-request.ts';

/** syslog(3) priorities: what a program says, and what it complains about. */
const [info, error] = [6, 3];
export const stderrPriority = error;

/** The SYSLOG_IDENTIFIER of a container's entries; a stream has no other field to choose. */
export const journalName = ({ name }: Pick<ContainerRecord, 'name'>, { tag }: Pick<LogRequest, 'tag'>): string =>
  tag ?? name;

/** Two descriptors for stdout and stderr, each line that is written becomes an entry of SYSLOG_IDENTIFIER `name`. */
export function journalStreams(
  name: string,
  socket = '/run/systemd/journal/stdout',
): readonly [stdout: number, stderr: number] {
  try {
    return [stream(name, info, socket), stream(name, error, socket)];
  } catch (cause) {
    throw new CtrError('UNSUPPORTED', `--log-driver journald: there is no journal at ${socket}`, { cause });
  }
}

/** Identifier, unit, priority, whether lines may begin with <N>, and three flags for forwarding: one line each. */
function stream(name: string, priority: number, socket: string): number {
  const fd = connectedSocket(SOCK.STREAM, socket);
  writeSync(fd, `${name.replaceAll('\n', ' ')}\n\n${priority}\n0\n0\n0\n0\n`);
  return fd;
}
