/** `ctr logs` of a container whose output goes to the journal: what journalctl(1) finds there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { parseJson, record, unknown } from '../oci/check.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import type { LogFrame } from '../storage/log-frames.ts';
import { type LogQuery, readLogs, runEnd } from './container-logs.ts';
import { journalName, stderrPriority } from './journal.ts';
import { storedRequest } from './stored-request.ts';
import { findExecutable } from './user-namespace.ts';

/** What a container wrote, wherever it is kept. */
export function readOutput(host: Host, container: ContainerRecord, query: LogQuery): AsyncGenerator<LogFrame> {
  const isInJournal = storedRequest(container).logging.driver === 'journald';
  return isInJournal ? readJournal(host, container, query) : readLogs(host, container, query);
}

/** As `readLogs`. Entries of another container that had the same name before are left out by their time. */
async function* readJournal(host: Host, container: ContainerRecord, query: LogQuery): AsyncGenerator<LogFrame> {
  const identifier = journalName(container, storedRequest(container).logging);
  const program = findExecutable(host, 'journalctl');
  if (program === undefined) {
    throw new CtrError(
      'UNSUPPORTED',
      `the output of container ${container.name} is in the journal: there is no journalctl here to read it`,
      {
        hint: `where there is one: journalctl -t ${identifier}`,
      },
    );
  }
  const createdMs = Date.parse(container.createdAt);
  // Of the two together journalctl (252) shows the first lines, not the last ones.
  const range =
    query.tail === undefined
      ? ['--since', `@${Math.floor(createdMs / 1000)}`, '--lines', 'all']
      : ['--lines', String(query.tail)];
  const args = [
    ...['--identifier', identifier, ...range],
    ...['--output', 'json', '--all', '--quiet', '--no-pager', ...(query.follow ? ['--follow'] : [])],
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints = text(child.stderr);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const watch = query.follow ? stopAfterEnd(host, container.id, child, query.untilMs) : undefined;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const frame = frameOf(line);
      const at = frame.seconds * 1000 + frame.nanoseconds / 1e6;
      watch?.heard();
      if (query.untilMs !== undefined && at > query.untilMs) return;
      if (at >= Math.max(createdMs, query.sinceMs ?? 0)) yield frame;
    }
    const code = await ended;
    // Null is for a signal: ours, at the end of the container.
    if (code !== null && code !== 0)
      throw new CtrError('STATE', `journalctl ended with ${code}: ${(await complaints).trim()}`);
  } finally {
    watch?.close();
    child.kill();
  }
}

/** journald writes down what it received a little later: the follower stays until nothing has come for this time. */
const quietMs = 500;

function stopAfterEnd(host: Host, id: string, child: ChildProcess, untilMs: number | undefined) {
  const end = runEnd(host, id);
  let quietSince = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    const isOver = end.isReached() || (untilMs !== undefined && Date.now() > untilMs);
    quietSince = isOver ? Math.min(quietSince, Date.now()) : Number.POSITIVE_INFINITY;
    if (Date.now() - quietSince > quietMs) child.kill();
  }, 100);
  return {
    heard: () => {
      quietSince = Number.POSITIVE_INFINITY;
    },
    close: () => clearInterval(timer),
  };
}

/** systemd.journal-fields(7); a message that is no text is an array of bytes (journalctl(1) "json"). */
function frameOf(line: string): LogFrame {
  const fields = parseJson(line, 'journalctl', record(unknown));
  const message = fields.MESSAGE;
  const bytes = Array.isArray(message) ? Buffer.from(message.map(Number)) : Buffer.from(String(message ?? ''));
  const isWhole = fields._LINE_BREAK !== 'eof' && fields._LINE_BREAK !== 'line-max';
  const microseconds = Number(fields._SOURCE_REALTIME_TIMESTAMP ?? fields.__REALTIME_TIMESTAMP ?? 0);
  return {
    stream: Number(fields.PRIORITY) === stderrPriority ? 2 : 1,
    seconds: Math.floor(microseconds / 1e6),
    nanoseconds: (microseconds % 1e6) * 1000,
    payload: isWhole ? Buffer.concat([bytes, Buffer.from('\n')]) : bytes,
  };
}
