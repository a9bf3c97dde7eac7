/**
 * Overlay networks: docker-network-create(1) "--driver overlay", without a swarm. Three machines of one user on one wire;
 * it reads as a manual does: from two containers that find each other to a peer that has another key.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type OverlaySecret, privateKeyOf } from '../../src/net/overlay-keys.ts';
import { type Bed, openBed } from '../support/bed.ts';
import { type Machine, openWire, type Wire } from '../support/machines.ts';
import { needs } from '../support/needs.ts';
import { asUserArgv, type Outcome, until } from '../support/run-as.ts';

const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids', 'pasta', 'netavark', 'wireguard');

let bed: Bed;
let wire: Wire;
let image: string;
let keyFile: string;
let one: Machine;
let two: Machine;
let three: Machine;
beforeAll(async () => {
  bed = await openBed();
  image = bed.image('busybox');
  wire = await openWire(bed, 3);
  [one, two, three] = wire.machines as [Machine, Machine, Machine];
  for (const { there } of wire.machines) await bed.ctrWith({ env: there.env }, 'pull', '-q', image);
  await bed.sh('umask 077; openssl rand -hex 32 >key; openssl rand -hex 32 >other-key');
  keyFile = `${bed.home}/key`;
});
afterEach(async () => {
  for (const machine of wire.machines) {
    machine.plug(true);
    await machine.ctr('rm', '-f', '-a', '-t', '0');
    await machine.ctr('network', 'prune', '-f');
  }
});
afterAll(async () => {
  wire?.close();
  await bed?.close();
});

const peers = (machines: readonly Machine[]) => machines.flatMap(({ address }) => ['--peer', address]);

/** The same command on each of the machines. */
async function createTeam(machines = wire.machines, ...flags: readonly string[]): Promise<void> {
  for (const { ctr } of machines) {
    const create = await ctr(
      'network',
      'create',
      '-d',
      'overlay',
      '--key-file',
      keyFile,
      ...peers(machines),
      ...flags,
      'team',
    );
    expect(create).toMatchObject({ code: 0, stdout: 'team\n', stderr: '' });
  }
}
async function serve({ ctr }: Machine, name: string, ...flags: readonly string[]): Promise<void> {
  const command = ['nc', '-ll', '-p', '80', '-e', 'echo', 'hello', name];
  expect(await ctr('run', '-d', '--name', name, '--network', 'team', ...flags, image, ...command)).toMatchObject({
    code: 0,
  });
}
const sleeper = ({ ctr }: Machine, name: string, ...flags: readonly string[]) =>
  ctr('run', '-d', '--name', name, '--network', 'team', ...flags, image, 'sleep', '600');
/** What `name` answers to a container. */
const ask = ({ ctr }: Machine, from: string, name: string): Promise<Outcome> =>
  ctr('exec', from, 'sh', '-c', `nc -w 3 ${name} 80 </dev/null`);
const untilHeard = (machine: Machine, from: string, name: string, answer = name) =>
  until(`${from} to reach ${name}`, async () => (await ask(machine, from, name)).stdout === `hello ${answer}\n`);
/** The host's tools, in a container of busybox. */
const tools = ['-v', '/usr:/usr:ro', '-v', '/lib64:/lib64:ro', '-v', '/lib:/lib:ro'];

describe('an overlay network [E]', () => {
  promise('lets containers on three machines find each other by name, ID and alias', async () => {
    await createTeam();
    await serve(one, 'web', '--network-alias', 'www');
    await serve(two, 'db');
    await sleeper(three, 'look');
    await untilHeard(three, 'look', 'web');
    await untilHeard(three, 'look', 'db');
    await untilHeard(three, 'look', 'www', 'web');
    const id = (await one.ctr('inspect', '-f', '{{.Id}}', 'web')).stdout.slice(0, 12);
    await untilHeard(three, 'look', id, 'web');
    await one.ctr('rm', '-f', '-t', '0', 'web');
    const lookUp = () => three.ctr('exec', 'look', 'nslookup', 'web.');
    await until('the name of a container that ended to be gone', async () => (await lookUp()).code !== 0);
  });

  promise('carries 100 MB unharmed, and IPv6 and UDP', async () => {
    await createTeam([one, two], '--ipv6');
    const fill =
      'dd if=/dev/urandom of=/data bs=1M count=100 2>/dev/null; sha256sum </data; exec nc -ll -p 80 -e cat /data';
    await one.ctr('run', '-d', '--name', 'web', '--network', 'team', image, 'sh', '-c', fill);
    await sleeper(two, 'look', ...tools);
    let sum = '';
    await until('the data', async () => {
      sum = (await one.ctr('logs', 'web')).stdout;
      return sum !== '';
    });
    await until('a route', async () => (await two.ctr('exec', 'look', 'nslookup', 'web')).code === 0);
    const copy = await two.ctr('exec', 'look', 'sh', '-c', 'nc web 80 </dev/null | sha256sum');
    expect(copy).toMatchObject({ code: 0, stdout: sum });
    const echo = '/usr/bin/socat UDP6-LISTEN:53,fork EXEC:cat';
    await one.ctr('run', '-d', '--name', 'echo', '--network', 'team', ...tools, image, 'sh', '-c', echo);
    const pong = 'echo pong | /usr/bin/socat -t 2 - UDP6:echo:53';
    await until('an answer', async () => (await two.ctr('exec', 'look', 'sh', '-c', pong)).stdout === 'pong\n');
  });

  promise('gives each machine its own part of the subnet, and says who belongs to it', async () => {
    await createTeam(wire.machines, '--subnet', '10.97.0.0/24');
    const subnets = await Promise.all(
      wire.machines.map(async ({ ctr }) => JSON.parse((await ctr('network', 'inspect', 'team')).stdout)[0].subnets[0]),
    );
    expect(subnets.map(({ gateway, lease_range: { start_ip, end_ip } }) => [gateway, start_ip, end_ip])).toEqual([
      ['10.97.0.1', '10.97.0.2', '10.97.0.63'],
      ['10.97.0.65', '10.97.0.66', '10.97.0.127'],
      ['10.97.0.129', '10.97.0.130', '10.97.0.191'],
    ]);
    const { stdout } = await two.ctr('network', 'inspect', '-f', '{{json .overlay}}', 'team');
    expect(JSON.parse(stdout)).toEqual({
      self: `${two.address}:51820`,
      peers: [`${one.address}:51820`, `${three.address}:51820`],
      key_file: keyFile,
    });
    const elsewhere = await two.ctr('run', '--rm', '--network', 'team', '--ip', '10.97.0.9', image, 'true');
    expect(elsewhere).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('10.97.0.66 to 10.97.0.127 on this'),
    });
    const here = await two.ctr('run', '--rm', '--network', 'team', '--ip', '10.97.0.99', image, 'hostname', '-i');
    expect(here).toMatchObject({ code: 0, stdout: '10.97.0.99\n' });
  });

  promise('is as private as the bridge networks beside it: nothing of another network gets in', async () => {
    await createTeam([one, two], '--subnet', '10.97.0.0/24');
    await serve(one, 'web');
    await sleeper(two, 'look');
    await untilHeard(two, 'look', 'web');
    await two.ctr('network', 'create', 'other');
    const script = 'nc -w 2 10.97.0.2 80 </dev/null || echo no way';
    expect((await two.ctr('run', '--rm', '--network', 'other', image, 'sh', '-c', script)).stdout).toBe('no way\n');
  });
});

describe('on the wire [E]', () => {
  /** Everything that passes while `action` is under way. */
  async function capture(action: () => Promise<void>): Promise<Buffer> {
    const [nsenter = '', ...enter] = wire.enter;
    const dump = spawn(nsenter, [...enter, 'tcpdump', '-i', 'wire', '-U', '-s', '0', '-w', '-'], { stdio: 'pipe' });
    const chunks: Buffer[] = [];
    dump.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await until('tcpdump to be ready', () => chunks.length > 0);
    await action();
    const before = chunks.length;
    await until('the last packets', () => chunks.length > before, 3000).catch(() => undefined);
    dump.kill();
    await new Promise((resolve) => dump.once('close', resolve));
    return Buffer.concat(chunks);
  }
  const secretText = 'nobody on the way may read this';

  needs(
    'root',
    'wireguard',
    'netavark',
    'pasta',
    'registry',
    'tcpdump',
  )('nothing of what containers say can be read', async () => {
    await createTeam([one, two]);
    const command = ['nc', '-ll', '-p', '80', '-e', 'yes', secretText];
    await one.ctr('run', '-d', '--name', 'web', '--network', 'team', image, ...command);
    await sleeper(two, 'look');
    await until('a route', async () => (await two.ctr('exec', 'look', 'nslookup', 'web')).code === 0);
    const listen = 'nc web 80 </dev/null | head -n 10000 | tail -n 1';
    const packets = await capture(async () => {
      expect((await two.ctr('exec', 'look', 'sh', '-c', listen)).stdout).toBe(`${secretText}\n`);
    });
    expect(packets.length).toBeGreaterThan(10_000 * secretText.length);
    expect(packets.includes(secretText)).toBe(false);
    const plain = await capture(async () => void one.sh(`echo '${secretText}' | socat -u - UDP:${two.address}:9`));
    expect(plain.includes(secretText)).toBe(true);
  });

  promise('one UDP port is used, and no key is in a file, an argument or an environment', async () => {
    await createTeam([one, two]);
    await serve(one, 'web');
    await sleeper(two, 'look');
    await untilHeard(two, 'look', 'web');
    const ports = one.sh('ss -Hlun').trim().split('\n');
    expect(ports.filter((line) => !line.includes('51820'))).toEqual([]);
    const secret = readFileSync(keyFile, 'latin1').trim();
    const of: OverlaySecret = { secret: Buffer.from(secret), network: 'team' };
    const keys = [secret, privateKeyOf(of, `${one.address}:51820`)];
    const files = readdirSync(one.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = [
      ...files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path.includes('/run/')),
      ...bed.processes().flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]),
    ].map(readOrNothing);
    expect(texts.length).toBeGreaterThan(20);
    expect(texts.filter((text) => keys.some((key) => text.includes(key)))).toEqual([]);
  });
});

describe('a peer [E]', () => {
  promise('with another key is ignored, and learns nothing', async () => {
    await createTeam([one, two], '--subnet', '10.97.0.0/24', '--peer', three.address);
    const flags = ['--key-file', `${bed.home}/other-key`, '--subnet', '10.97.0.0/24', ...peers(wire.machines)];
    expect(await three.ctr('network', 'create', '-d', 'overlay', ...flags, 'team')).toMatchObject({ code: 0 });
    await serve(one, 'web');
    await sleeper(two, 'look');
    await serve(three, 'stranger');
    await untilHeard(two, 'look', 'web');
    expect((await two.ctr('exec', 'look', 'nslookup', 'stranger.')).code).not.toBe(0);
    expect((await three.ctr('exec', 'stranger', 'nslookup', 'web.')).code).not.toBe(0);
    const { stdout } = await three.ctr(
      'exec',
      'stranger',
      'sh',
      '-c',
      'nc -w 2 10.97.0.2 80 </dev/null || echo no way',
    );
    expect(stdout).toBe('no way\n');
  });

  promise('that is down hinders nobody, and learns what it missed when it is back', async () => {
    await createTeam([one, two]);
    await sleeper(two, 'look');
    two.plug(false);
    const begin = Date.now();
    await serve(one, 'web');
    await serve(one, 'www');
    expect(Date.now() - begin).toBeLessThan(8000);
    two.plug(true);
    await until('the news', async () => (await ask(two, 'look', 'www')).stdout === 'hello www\n', 60_000);
    await untilHeard(two, 'look', 'web');
  });

  promise('that is gone for good is forgotten', async () => {
    await createTeam([one, two]);
    await serve(one, 'web');
    await sleeper(two, 'look');
    await untilHeard(two, 'look', 'web');
    one.plug(false);
    // Each change here is told elsewhere, and who does not hear it twice is gone.
    for (const name of ['a', 'b']) {
      await sleeper(two, name);
      await new Promise((resolve) => setTimeout(resolve, 3500));
    }
    const lookUp = async () => (await two.ctr('exec', 'look', 'nslookup', 'web.')).code;
    await until('its containers’ names to be gone', async () => (await lookUp()) !== 0);
  });
});

describe('with an etcd that the user runs [E]', () => {
  let etcd: ChildProcess;
  let url: string;
  const withEtcd = needs('root', 'wireguard', 'netavark', 'pasta', 'registry', 'etcd');
  const startEtcd = async () => {
    url = `http://${wire.gateway}:2379`;
    const urls = [
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
      '--listen-peer-urls',
      'http://127.0.0.1:2380',
    ];
    const args = ['etcd', '--data-dir', `${bed.directory('etcd')}/data`, ...urls];
    const [nsenter = '', ...rest] = [...wire.enter, ...asUserArgv(bed.user, args)];
    etcd = spawn(nsenter, rest, { stdio: 'ignore' });
    await until('etcd', () => one.sh(`curl -s ${url}/health || true`).includes('"true"'));
  };
  afterEach(() => void etcd?.kill('SIGKILL'));
  const create = ({ ctr, address }: Machine) => {
    const flags = ['--key-file', keyFile, '--opt', `advertise=${address}`, '--opt', `etcd=${url}`];
    return ctr('network', 'create', '-d', 'overlay', ...flags, 'team');
  };

  withEtcd('machines find each other without --peer, and go on without it; it cannot read who is there', async () => {
    await startEtcd();
    for (const machine of [one, two]) expect(await create(machine)).toMatchObject({ code: 0, stdout: 'team\n' });
    await serve(one, 'web');
    await sleeper(two, 'look');
    await until('the machines to meet', async () => (await ask(two, 'look', 'web')).stdout === 'hello web\n', 45_000);
    const all = Buffer.from('\0').toString('base64');
    const stored = one.sh(`curl -s ${url}/v3/kv/range -d '{"key": "${all}", "range_end": "${all}"}'`);
    const texts = JSON.parse(stored).kvs.map(({ value }: { value: string }) => Buffer.from(value, 'base64').toString());
    expect(texts.length).toBe(4); // For each machine its part of the subnet, and what it says.
    expect(texts.filter((text: string) => /web|look|198/.test(text))).toEqual([]);
    etcd.kill('SIGKILL');
    await serve(one, 'later');
    await untilHeard(two, 'look', 'later');
  });

  withEtcd('that does not answer, a network is not made; one that is there says so and goes on', async () => {
    url = `http://${wire.gateway}:2379`;
    expect(await create(one)).toMatchObject({ code: 125, stderr: expect.stringContaining('does not answer') });
    expect((await one.ctr('network', 'ls', '-q')).stdout).toBe('bridge\n');
  });
});

describe('ctr network create -d overlay refuses [E]', () => {
  const create = (...flags: readonly string[]) => one.ctr('network', 'create', '-d', 'overlay', ...flags, 'team');
  const all = () => peers([one, two]);
  const key = () => ['--key-file', keyFile];

  promise('what cannot work, with the reason, and makes nothing', async () => {
    await bed.sh('cp key open-key; chmod 644 open-key; umask 077; echo short >short-key');
    const inHome = (name: string) => ['--key-file', `${bed.home}/${name}`];
    for (const [flags, reason] of [
      [all(), 'needs --key-file'],
      [[...all(), ...inHome('no-key')], 'there is no key file'],
      [[...all(), ...inHome('open-key')], 'may be read by others (mode 0644)'],
      [[...all(), ...inHome('short-key')], 'has less than 32 bytes'],
      [[...all(), '--key-file', '/etc/passwd'], 'belongs to user 0'],
      [[...key()], 'no --peer is this machine'],
      [[...peers([one]), ...key()], 'needs --peer HOST[:PORT] for its other machines'],
      [[...peers([two]), ...key()], 'no --peer is this machine'],
      [['--peer', 'a b', ...key()], 'want HOST or HOST:PORT'],
      [[...all(), ...key(), '--subnet', '10.97.0.0/30'], 'no room for the gateways'],
    ] as const) {
      const outcome = await create(...flags);
      expect({ flags, ...outcome }).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    }
    const bridge = await one.ctr('network', 'create', ...peers([two]), 'front');
    expect(bridge).toMatchObject({ code: 125, stderr: expect.stringContaining('it is for -d overlay') });
    expect((await one.ctr('network', 'ls', '-q')).stdout).toBe('bridge\n');
  });

  promise('a second network on one UDP port', async () => {
    expect(await create(...all(), ...key())).toMatchObject({ code: 0 });
    const flags = ['-d', 'overlay', ...key(), ...all()];
    expect((await one.ctr('network', 'create', ...flags, 'more')).stderr).toContain('UDP port 51820 belongs to');
    const others = [one, two].flatMap(({ address }) => ['--peer', `${address}:51821`]);
    expect(await one.ctr('network', 'create', '-d', 'overlay', ...key(), ...others, 'more')).toMatchObject({ code: 0 });
  });
});

describe('a program that is missing [E]', () => {
  for (const [program, packageName] of [
    ['wireguard-go', 'wireguard-go'],
    ['wg', 'wireguard-tools'],
  ] as const) {
    promise(`${program}: one clear line names the package ${packageName}; other networks work`, async () => {
      await createTeam([one, two]);
      await one.ctr('network', 'create', 'front');
      const bin = bed.directory(`without-${program}`);
      for (const directory of ['/usr/bin', '/usr/sbin', '/usr/lib/podman']) {
        for (const name of readdirSync(directory)) {
          if (name !== program) linkOnce(`${directory}/${name}`, `${bin}/${name}`);
        }
      }
      const env = { ...one.there.env, PATH: `${bed.env.PATH?.split(':')[0]}:${bin}`, CTR_HELPER_DIRS: bin };
      const run = (network: string) =>
        bed.ctrWith({ ...one.there, env }, 'run', '--rm', '--network', network, image, 'echo', 'runs');
      const refused = await run('team');
      expect(refused).toMatchObject({ code: 125, stdout: '' });
      expect(refused.stderr).toMatch(new RegExp(`${program} is not installed.*\n.*package ${packageName};`));
      for (const network of ['front', 'pasta', 'none'])
        expect(await run(network)).toMatchObject({ code: 0, stdout: 'runs\n' });
    });
  }
});

/** Empty when its process has ended meanwhile. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function linkOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // Another directory has a program of this name.
  }
}

describe('docs/networks.md [E]', () => {
  promise('shows commands for two machines that work, in this order', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/networks.md'), 'utf8');
    const lines = [...text.matchAll(/^(alpha|beta)\$ (.*)$/gm)];
    expect(lines.length).toBeGreaterThan(5);
    for (const [, place, line = ''] of lines) {
      const { there } = place === 'alpha' ? one : two;
      const typed = line
        .replace(/^scp (\S+) beta:/, `cp $1 ${two.home}`)
        .replace('--peer alpha --peer beta', peers([one, two]).join(' '))
        .replace(/IMAGE$/, `${image} nc -ll -p 80 -e echo hi`)
        .replace('IMAGE', image);
      // What was started a moment ago is known elsewhere a moment later.
      const run = () => bed.sh(typed, there);
      let outcome = await run();
      for (let tries = 0; tries < 20 && / nc web/.test(typed) && outcome.code !== 0; tries++) outcome = await run();
      expect({ line, ...outcome }).toMatchObject({ line, code: 0 });
    }
  });
});

describe('after the last container of an overlay network [E]', () => {
  promise('nothing runs any more, on any machine', async () => {
    await createTeam([one, two]);
    for (const { ctr } of [one, two])
      expect((await ctr('run', '--rm', '--network', 'team', image, 'true')).code).toBe(0);
    await until('all processes to be gone', () => bed.processes().length === 0);
    expect(bed.mounts()).toEqual([]);
  });
});
