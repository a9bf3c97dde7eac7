/** pasta and slirp4netns for real, in a network namespace that unshare(1) makes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../../../src/linux/process-identity.ts';
import { reservePorts } from '../../../src/net/host-ports.ts';
import { startPasta, stopPasta } from '../../../src/net/pasta.ts';
import { startSlirp, stopSlirp } from '../../../src/net/slirp.ts';

const uid = process.getuid?.() ?? 0;
const has = (file: string) => existsSync(file);
const hasTun = () => {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

let holder: ChildProcess;
let pid: number;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctr-net-'));
  holder = spawn('unshare', ['--user', '--map-root-user', '--net', 'sleep', '60'], { stdio: 'ignore' });
  pid = holder.pid ?? 0;
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
});

afterEach(() => {
  holder.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error('it did not happen within 5 s');
    await sleep(20);
  }
}

const inside = (...command: string[]) =>
  execFileSync('nsenter', ['-U', '--preserve-credentials', '-n', '-t', String(pid), ...command], { encoding: 'utf8' });
const listens = (port: number) => execFileSync('ss', ['-Hltn', `sport = :${port}`], { encoding: 'utf8' }).trim() !== '';

describe.skipIf(!has('/usr/bin/pasta') || !hasTun())('startPasta [I] (skipped without passt or /dev/net/tun)', () => {
  const request = () => ({ pid, directory, options: [], publish: [], hostLoopback: false });

  it('returns when the namespace has an address and a route', async () => {
    await startPasta(request(), '/usr/bin/pasta', uid);
    expect(inside('ip', '-4', 'route')).toMatch(/^default via/);
  });

  it('publishes a port and gives it back when the link is removed', async () => {
    const [port] = await reservePorts([{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }]);
    await startPasta({ ...request(), publish: port ? [port] : [] }, '/usr/bin/pasta', uid);
    expect(listens(port?.hostPort ?? 0)).toBe(true);
    stopPasta(directory);
    await until(() => !listens(port?.hostPort ?? 0));
  });

  it('ends when the whole runtime directory is removed', async () => {
    const [port] = await reservePorts([{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }]);
    await startPasta({ ...request(), publish: port ? [port] : [] }, '/usr/bin/pasta', uid);
    rmSync(directory, { recursive: true });
    await until(() => !listens(port?.hostPort ?? 0));
  });

  it('says what pasta said when it does not start, and leaves no link', async () => {
    await expect(startPasta({ ...request(), options: ['--no-such-option'] }, '/usr/bin/pasta', uid)).rejects.toThrow(
      'no-such',
    );
    expect(() => readlinkSync(`${directory}/pasta/netns`)).toThrow('ENOENT');
  });

  it('names the package when pasta is missing', async () => {
    await expect(startPasta(request(), '/nonexistent/pasta', uid)).rejects.toMatchObject({
      code: 'NETWORK',
      hint: expect.stringContaining('passt'),
    });
  });
});

describe.skipIf(!has('/usr/bin/slirp4netns') || !hasTun())(
  'startSlirp [I] (skipped without slirp4netns or tun)',
  () => {
    it('returns when the namespace has an address, and ends when told', async () => {
      const identity = await startSlirp({ pid, directory, options: [], publish: [] }, 'slirp4netns');
      expect(inside('ip', '-4', 'addr', 'show', 'tap0')).toContain('10.0.2.100');
      stopSlirp(identity);
      await until(() => !isAlive(identity));
    });
  },
);

describe('reservePorts [I]', () => {
  it('refuses a port that is taken, by name', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const hostPort = typeof address === 'object' && address !== null ? address.port : 0;
    const wanted = [{ hostIp: '127.0.0.1', hostPort, containerPort: 80, protocol: 'tcp' as const }];
    await expect(reservePorts(wanted)).rejects.toMatchObject({
      code: 'IN_USE',
      message: `cannot publish 127.0.0.1:${hostPort}/tcp: the port is in use`,
    });
    server.close();
  });

  it('refuses to publish one host port twice', async () => {
    const [port] = await reservePorts([{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'udp' }]);
    await expect(reservePorts(port ? [port, port] : [])).rejects.toThrow('published twice');
  });
});
