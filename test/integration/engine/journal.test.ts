/** --log-driver journald against a socket in place of the journal's (this needs no systemd). */
import { closeSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalStreams } from '../../../src/engine/journal.ts';

let directory: string;
let server: Server;
let received: string[];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctr-journal-'));
  received = [];
  server = createServer((socket) => socket.on('data', (chunk) => received.push(chunk.toString())));
  await new Promise<void>((resolve) => server.listen(`${directory}/stdout`, resolve));
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

describe('journalStreams [I] sd_journal_stream_fd(3)', () => {
  it('introduces both streams with name and priority, and what is written follows', async () => {
    const [stdout, stderr] = journalStreams('web', `${directory}/stdout`);
    writeSync(stdout, 'hello\n');
    writeSync(stderr, 'oops\n');
    for (const fd of [stdout, stderr]) closeSync(fd);
    await expect.poll(() => received.join('').length).toBeGreaterThan(40);
    expect([...received].sort().join('')).toContain('web\n\n6\n0\n0\n0\n0\nhello\n');
    expect(received.join('')).toContain('web\n\n3\n0\n0\n0\n0\noops\n');
  });

  it('says so when there is no journal', () => {
    expect(() => journalStreams('web', `${directory}/absent`)).toThrow(/no journal at/);
  });
});
