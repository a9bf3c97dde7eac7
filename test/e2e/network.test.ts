/** Named networks: podman-network(1), podman-run(1) "--network". It reads as a manual does: from two names to the rare. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Bed } from '../support/bed.ts';
import { mirrorHost } from '../support/mirror.ts';
import { needs } from '../support/needs.ts';
import { hostTools as tools, useNetworkBed } from '../support/network-bed.ts';
import { until } from '../support/run-as.ts';
import { commOf } from '../support/user.ts';

let bed: Bed;
let image: string;
useNetworkBed((theBed, theImage) => {
  [bed, image] = [theBed, theImage];
});

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids', 'pasta', 'netavark');

/** A container in the background that answers `hello NAME` on TCP port 80. */
async function serve(name: string, ...flags: readonly string[]): Promise<void> {
  const command = ['nc', '-ll', '-p', '80', '-e', 'echo', 'hello', name];
  expect(await bed.ctr('run', '-d', '--name', name, ...flags, image, ...command)).toMatchObject({ code: 0 });
}
const look = (network: string, script: string, ...flags: readonly string[]) =>
  bed.ctr('run', '--rm', '--network', network, ...tools, ...flags, image, 'sh', '-c', script);
const dig = (name: string, type = 'A') => `/usr/bin/dig +short +tries=2 +time=2 ${name} ${type} | sort`;

describe('two containers on one network [E]', () => {
  promise('reach each other by name, by ID and by alias', async () => {
    await bed.ctr('network', 'create', 'front');
    await serve('web', '--network', 'front', '--network-alias', 'www');
    const id = (await bed.ctr('inspect', '-f', '{{.Id}}', 'web')).stdout.slice(0, 12);
    const outcome = await look('front', `for name in web www ${id}; do nc -w 3 $name 80 </dev/null; done`);
    expect(outcome.stdout).toBe('hello web\nhello web\nhello web\n');
  });

  promise('find themselves in /etc/hosts, and the network’s name server in /etc/resolv.conf', async () => {
    await bed.ctr('network', 'create', '--subnet', '10.97.1.0/24', 'front');
    const { stdout } = await look('front', 'hostname -i; cat /etc/resolv.conf', '--hostname', 'me');
    expect(stdout).toBe('10.97.1.2\nsearch dns.podman\nnameserver 10.97.1.1\n');
  });

  promise('reach each other by IPv6 and by UDP', async () => {
    await bed.ctr('network', 'create', '--ipv6', '--subnet', 'fd00:97::/64', 'six');
    const echo = '/usr/bin/socat UDP6-LISTEN:53,fork EXEC:cat & /usr/bin/socat TCP6-LISTEN:80,fork EXEC:"echo six"';
    await bed.ctr('run', '-d', '--name', 'db', '--network', 'six', ...tools, image, 'sh', '-c', echo);
    const six = await look('six', dig('db', 'AAAA'));
    expect(six.stdout).toMatch(/^fd00:97::/);
    const socat = (what: string) => `/usr/bin/socat -t 3 - ${what}`;
    const script = `${socat('TCP6:db:80')} </dev/null; echo pong | ${socat('UDP6:db:53')}`;
    const { stdout } = await look('six', script);
    expect(stdout).toBe('six\npong\n');
  });

  promise('are not reached from another network, neither by name nor by address', async () => {
    await bed.ctr('network', 'create', 'front');
    await bed.ctr('network', 'create', 'back');
    await serve('web', '--network', 'front');
    const address = (await bed.ctr('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web')).stdout.trim();
    const { stdout } = await look('back', `${dig('web')}; nc -w 2 ${address} 80 </dev/null || echo no way`);
    expect(stdout).toBe('no way\n');
  });
});

describe('several containers with one alias [E]', () => {
  promise('are all answered; one that is unhealthy is left out until it is well again', async () => {
    await bed.ctr('network', 'create', 'front');
    const health = ['--health-cmd', 'test ! -e /sick', '--health-interval', '0', '--health-retries', '1'];
    for (const name of ['one', 'two']) {
      await bed.ctr(
        'run',
        '-d',
        '--name',
        name,
        '--network',
        'front',
        '--network-alias',
        'web',
        ...health,
        image,
        'sleep',
        '600',
      );
    }
    await bed.ctr('run', '-d', '--name', 'look', '--network', 'front', ...tools, image, 'sleep', '600');
    const answers = async (name: string) =>
      (await bed.ctr('exec', 'look', 'sh', '-c', dig(name))).stdout.split('\n').length - 1;
    expect(await answers('web')).toBe(2);
    await bed.ctr('exec', 'one', 'touch', '/sick');
    expect((await bed.ctr('healthcheck', 'run', 'one')).code).not.toBe(0);
    expect([await answers('web'), await answers('one')]).toEqual([1, 1]);
    await bed.ctr('exec', 'one', 'rm', '/sick');
    expect(await bed.ctr('healthcheck', 'run', 'one')).toMatchObject({ code: 0 });
    expect(await answers('web')).toBe(2);
  });
});

describe('the way out [E]', () => {
  promise('leads to the network of the host, whose names resolve', async () => {
    await bed.ctr('network', 'create', 'front');
    const onHost = await bed.sh(dig(mirrorHost()));
    expect(onHost.stdout).not.toBe('');
    expect((await look('front', dig(mirrorHost()))).stdout).toBe(onHost.stdout);
  });

  promise('is missing in an internal network', async () => {
    await bed.ctr('network', 'create', '--internal', 'inner');
    await serve('db', '--network', 'inner');
    const { stdout } = await look('inner', 'nc -w 3 db 80 </dev/null; ip route | grep -c default; true');
    expect(stdout).toBe('hello db\n0\n');
  });

  promise('leads to the host’s loopback only for who asked for a name of it', async () => {
    const server = createServer((_request, response) => response.end('from the host'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await bed.ctr('network', 'create', 'front');
    await bed.ctr('network', 'create', '--opt', 'host_loopback=true', 'open');
    const get = (name: string) => `/usr/bin/curl -s -m 3 http://${name}:${port}/ || echo refused`;
    const asked = ['--add-host', 'host.docker.internal:host-gateway'];
    try {
      expect((await look('front', get('host.docker.internal'), ...asked)).stdout).toBe('from the host');
      expect((await look('front', get('host.containers.internal'))).stdout).toBe('refused\n');
      expect((await look('front', get('169.254.2.2'))).stdout).toBe('refused\n');
      expect((await look('open', get('host.containers.internal'))).stdout).toBe('from the host');
      expect((await look('pasta', get('host.docker.internal'), ...asked)).stdout).toBe('from the host');
      expect((await look('pasta', get('host.containers.internal'))).stdout).toBe('refused\n');
    } finally {
      server.close();
    }
  });
});

describe('ctr network [E]', () => {
  promise('create, connect, inspect, disconnect, rm: as scripts for docker write it', async () => {
    const script = `
      set -e
      ctr network create --subnet 10.97.2.0/24 --gateway 10.97.2.254 --label team=db back
      ctr network create front >/dev/null
      ctr run -d --name web --network front ${image} sleep 1000 >/dev/null
      ctr network connect --ip 10.97.2.9 --alias store back web
      ctr exec web ip -4 -o address show eth1 | awk '{print $4}'
      ctr network inspect back | jq -r '.[0].Containers[] | .Name + " " + .IPv4Address'
      ctr inspect web | jq -r '.[0].NetworkSettings.Networks.back | .IPAddress + " " + .Gateway'
      ctr network rm back 2>/dev/null || echo "in use: $?"
      ctr network disconnect back web
      ctr exec web ip -o link show | grep -c eth
      ctr network rm back
      ctr network exists back || echo gone
      ctr rm -f -t 0 web >/dev/null
      ctr network prune -f`;
    const outcome = await bed.sh(script, { env: { CTR_COMPAT: 'docker' } });
    expect(outcome.stdout.split('\n')).toEqual([
      ...['back', '10.97.2.9/24', 'web 10.97.2.9/24', '10.97.2.9 10.97.2.254', 'in use: 2', '1', 'back', 'gone'],
      ...['Deleted Networks:', 'front', ''],
    ]);
  });

  promise(
    'system prune takes networks that no container has; a renamed container is found by its new name',
    async () => {
      await bed.ctr('network', 'create', 'front');
      await bed.ctr('network', 'create', 'unused');
      await serve('old', '--network', 'front');
      await bed.ctr('rename', 'old', 'new');
      expect((await look('front', 'nc -w 3 new 80 </dev/null; nslookup old >/dev/null 2>&1 || echo gone')).stdout).toBe(
        'hello old\ngone\n',
      );
      const pruned = await bed.ctr('system', 'prune', '-f');
      expect(pruned.stdout).toContain('Deleted Networks\nunused\n');
      expect(await bed.ctr('network', 'exists', 'front')).toMatchObject({ code: 0 });
    },
  );

  promise('ls and inspect have Podman’s members', async () => {
    await bed.ctr('network', 'create', '--subnet', '10.97.3.0/24', '--ip-range', '10.97.3.128/25', 'front');
    expect((await bed.ctr('network', 'ls', '--format', '{{.Name}} {{.Driver}}')).stdout).toBe(
      'bridge bridge\nfront bridge\n',
    );
    const [inspected] = JSON.parse((await bed.ctr('network', 'inspect', 'front')).stdout);
    expect(inspected).toMatchObject({
      name: 'front',
      driver: 'bridge',
      subnets: [
        {
          subnet: '10.97.3.0/24',
          gateway: '10.97.3.1',
          lease_range: { start_ip: '10.97.3.128', end_ip: '10.97.3.255' },
        },
      ],
      ipv6_enabled: false,
      internal: false,
      dns_enabled: true,
    });
    expect((await look('front', 'hostname -i')).stdout).toBe('10.97.3.128\n');
  });

  promise('rm refuses a network that containers have, and takes them along with --force', async () => {
    await bed.ctr('network', 'create', 'front');
    await bed.ctr('create', '--name', 'later', '--network', 'front', image, 'true');
    const refused = await bed.ctr('network', 'rm', 'front');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('is being used by container later');
    expect(await bed.ctr('network', 'rm', '-f', 'front')).toMatchObject({ code: 0, stdout: 'front\n' });
    expect((await bed.ctr('ps', '-aq')).stdout).toBe('');
  });
});

describe('ctr run --network NAME:OPTIONS [E]', () => {
  promise('gives addresses, a hardware address, aliases and interface names', async () => {
    await bed.ctr('network', 'create', '--subnet', '10.97.4.0/24', 'a');
    await bed.ctr('network', 'create', '--subnet', '10.97.5.0/24', 'b');
    const show = "ip -4 -o address | awk '/10.97/ {print $2, $4}' | sort; cat /sys/class/net/side/address";
    const { stdout } = await look('a:ip=10.97.4.7', show, '--network', 'b:mac=02:00:00:00:00:07,interface_name=side');
    expect(stdout).toBe('eth0 10.97.4.7/24\nside 10.97.5.2/24\n02:00:00:00:00:07\n');
  });

  promise('refuses an address that is taken, outside, or of no network', async () => {
    await bed.ctr('network', 'create', '--subnet', '10.97.4.0/24', 'a');
    await serve('first', '--network', 'a', '--ip', '10.97.4.7');
    const run = (...flags: readonly string[]) => bed.ctr('run', '--rm', ...flags, image, 'true');
    expect((await run('--network', 'a', '--ip', '10.97.4.7')).stderr).toContain('belongs to first');
    expect((await run('--network', 'a', '--ip', '10.98.0.1')).stderr).toContain('has no address 10.98.0.1');
    expect((await run('--ip', '10.97.4.8')).stderr).toContain('need a named network');
    expect((await run('--network', 'nowhere')).stderr).toContain('ctr network create nowhere');
  });
});

describe('ctr run -p on a named network [E]', () => {
  const web = (...flags: readonly string[]) =>
    bed.ctr('run', '-d', '--name', 'web', ...flags, ...tools, image, '/usr/bin/python3', '-m', 'http.server', '80');
  const get = (url: string) =>
    `/usr/bin/curl -s -o /dev/null -m 3 --retry 5 --retry-connrefused -w '%{http_code}\\n' ${url}`;

  promise('publishes on loopback and on the host’s addresses, and keeps who the client was', async () => {
    await bed.ctr('network', 'create', 'front');
    expect(await web('--network', 'front', '-p', '127.0.0.1::80')).toMatchObject({ code: 0 });
    const port = (await bed.ctr('port', 'web', '80')).stdout.trim();
    expect(port).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await bed.sh(get(`http://${port}/`))).stdout).toBe('200\n');
    await bed.ctr('rm', '-f', '-t', '0', 'web');

    const own = (await bed.sh("hostname -I | cut -d' ' -f1")).stdout.trim();
    expect(await web('--network', 'front', '-p', '80')).toMatchObject({ code: 0 });
    const [, any = ''] = (await bed.ctr('port', 'web', '80')).stdout.trim().split(':');
    expect((await bed.sh(get(`http://${own}:${any}/`))).stdout).toBe('200\n');
    await until('the request in the log', async () => (await bed.ctr('logs', 'web')).stderr.includes(`${own} - - [`));
  });

  const answering = `
import socket
listener = socket.create_server(('', 80), backlog=100)
while True:
    client = listener.accept()[0]
    client.send(b'x')
    client.close()`;
  const asking = (port: string, count: number) => `
import socket
for number in range(${count}):
    with socket.create_connection(('127.0.0.1', ${port}), timeout=20) as server:
        assert server.recv(2) == b'x', number`;

  promise(
    'leaks nothing in 10,000 connections, one after the other, on either kind of network',
    async () => {
      await bed.ctr('network', 'create', 'front');
      for (const network of ['pasta', 'front']) {
        const command = ['/usr/bin/python3', '-c', answering];
        await bed.ctr('run', '-d', '--name', 'web', '--network', network, '-p', '80', ...tools, image, ...command);
        const port = (await bed.ctr('port', 'web', '80')).stdout.trim().replace(/^.*:/, '');
        const ask = async (count: number) =>
          (await bed.sh(`python3 ${bed.file('ask.py', asking(port, count))}`)).stderr.trim();
        await until('the container to listen', async () => (await ask(1)) === '');
        // The first ones fill what pasta keeps ready.
        expect(await ask(500)).toBe('');
        const before = held();
        expect(await ask(10_000)).toBe('');
        // pasta has a pool of pipes and sockets, more or less full.
        const pool = 200;
        await until('all connections to be closed', () => held().descriptors < before.descriptors + pool);
        expect(held().processes).toBeLessThanOrEqual(before.processes);
        expect(held().memoryMB - before.memoryMB).toBeLessThan(4);
        await bed.ctr('rm', '-f', '-t', '0', 'web');
      }
    },
    240_000,
  );

  /** What all processes of the user have together. */
  function held(): { processes: number; descriptors: number; memoryMB: number } {
    const all = bed.processes().flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1');
        const residentKB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        return [{ residentKB, descriptors: readdirSync(`/proc/${pid}/fd`).length }];
      } catch {
        return []; // It has ended since: what an earlier test left behind does so.
      }
    });
    return {
      processes: all.length,
      descriptors: all.reduce((sum, { descriptors }) => sum + descriptors, 0),
      memoryMB: all.reduce((sum, { residentKB }) => sum + residentKB, 0) / 1024,
    };
  }

  promise('leaves the way of everything else alone: names, other containers, the world', async () => {
    await bed.ctr('network', 'create', 'front');
    await web('--network', 'front', '-p', '80');
    expect((await look('front', get('http://web/'))).stdout).toBe('200\n');
    expect((await bed.ctr('exec', 'web', 'sh', '-c', dig(mirrorHost()))).stdout).not.toBe('');
  });

  promise('forwards UDP from the host’s addresses, with the client’s address', async () => {
    await bed.ctr('network', 'create', 'front');
    const echo = ['/usr/bin/socat', 'UDP4-RECVFROM:81,fork', 'EXEC:cat'];
    await bed.ctr('run', '-d', '--name', 'echo', '--network', 'front', '-p', '81/udp', ...tools, image, ...echo);
    const own = (await bed.sh("hostname -I | cut -d' ' -f1")).stdout.trim();
    const [, port = ''] = (await bed.ctr('port', 'echo', '81/udp')).stdout.trim().split(':');
    const ask = await bed.sh(`for i in 1 2 3 4 5; do echo hi | socat -t 1 - UDP4:${own}:${port}; done | head -1`);
    expect(ask.stdout).toBe('hi\n');
  });

  promise('refuses a port that is taken, or below 1024, before anything is made', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const taken = await bed.ctr('run', '-d', '-p', `${port}:80`, image, 'sleep', '9');
      expect(taken.code).toBe(125);
      expect(taken.stderr).toContain(`cannot publish ${port}/tcp: the port is in use`);
      const low = await bed.ctr('run', '-d', '-p', '80:80', image, 'sleep', '9');
      expect(low.stderr).toMatch(/ip_unprivileged_port_start=80.*LISTEN_FDS/);
      expect((await bed.ctr('ps', '-aq')).stdout).toBe('');
    } finally {
      server.close();
    }
  });

  promise('hands sockets of systemd to the container (LISTEN_FDS)', async () => {
    const inside = 'import socket; c, a = socket.socket(fileno=3).accept(); c.send(b"activated"); c.close()';
    const starter = `
import os, socket
listener = socket.create_server(('127.0.0.1', 0))
pid = os.fork()
if pid == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    env = dict(os.environ, LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
    argv = ['ctr', 'run', '--rm', '--network', 'none'] + ${JSON.stringify([...tools, image, '/usr/bin/python3', '-c', inside])}
    os.execvpe('ctr', argv, env)
print(socket.create_connection(listener.getsockname(), timeout=30).recv(100).decode())
os.waitpid(pid, 0)`;
    const script = bed.file('activate.py', starter);
    expect(await bed.sh(`python3 ${script}`)).toMatchObject({ code: 0, stdout: 'activated\n' });
  });

  promise('-P publishes what --expose and the image name', async () => {
    await bed.ctr('run', '-d', '--name', 'web', '-P', '--expose', '80-81', '--expose', '53/udp', image, 'sleep', '60');
    const { stdout } = await bed.ctr('port', 'web');
    expect(stdout.replaceAll(/:\d+$/gm, ':N').split('\n').sort()).toEqual([
      ...['', '53/udp -> 0.0.0.0:N', '80/tcp -> 0.0.0.0:N', '81/tcp -> 0.0.0.0:N'],
    ]);
  });
});

describe('a program that is missing [E]', () => {
  const packages = {
    netavark: 'netavark',
    'aardvark-dns': 'aardvark-dns',
    iptables: 'iptables',
    pasta: 'passt',
    ip: 'iproute2',
  };

  /** A PATH on which there is what containers need, and these. */
  async function only(name: string, programs: readonly string[]): Promise<{ env: Record<string, string> }> {
    const bin = bed.directory(name);
    const find = (one: string) =>
      `$(command -v ${one} || ls /usr/lib/podman/${one} /usr/sbin/${one} 2>/dev/null | head -1)`;
    const link = ['newuidmap', 'newgidmap', 'rm', 'sh', ...programs].map((one) => `ln -sf ${find(one)} ${bin}/`);
    await bed.sh(link.join('; '));
    return { env: { PATH: `${bed.env.PATH?.split(':')[0]}:${bin}`, CTR_HELPER_DIRS: '' } };
  }

  for (const [program, name] of Object.entries(packages)) {
    promise(`${program}: one line names the package ${name}; other modes work`, async () => {
      await bed.ctr('network', 'create', 'front');
      const others = Object.keys(packages).filter((one) => one !== program);
      const path = await only(`without-${program}`, others);
      const run = (...flags: readonly string[]) => bed.ctrWith(path, 'run', '--rm', ...flags, image, 'true');
      const refused = await run('--network', 'front');
      expect(refused).toMatchObject({ code: 125 });
      expect(refused.stderr).toMatch(
        new RegExp(`^ctr: ${program} is not installed: .+\n  hint: install the package ${name}; .+ work without it\n$`),
      );
      for (const mode of ['none', 'host', ...(program === 'pasta' ? [] : ['pasta'])]) {
        expect({ mode, ...(await run('--network', mode)) }).toMatchObject({ mode, code: 0, stderr: '' });
      }
    });
  }

  promise('pasta, where slirp4netns is the way out: only publishing needs it', async () => {
    await bed.ctr('network', 'create', 'front');
    const programs = ['netavark', 'aardvark-dns', 'iptables', 'ip6tables', 'ip', 'slirp4netns'];
    const path = await only('with-slirp', programs);
    const run = (...flags: readonly string[]) => bed.ctrWith(path, 'run', '-d', ...flags, image, 'sleep', '60');
    expect(await run('--network', 'front')).toMatchObject({ code: 0, stderr: '' });
    expect((await run('--network', 'front', '-p', '80')).stderr).toContain('pasta is not installed');
  });

  promise('aardvark-dns: a network without names does without it', async () => {
    await bed.ctr('network', 'create', '--disable-dns', 'front');
    const path = await only('without-names', ['netavark', 'iptables', 'ip6tables', 'ip', 'pasta']);
    expect(await bed.ctrWith(path, 'run', '--rm', '--network', 'front', image, 'true')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});

describe('many at once [E]', () => {
  // One question each from a socket of its own, never repeated: a refusal or a silence counts.
  const asker = `
import os, random, socket, struct, time
server = next(line.split()[1] for line in open('/etc/resolv.conf') if line.startswith('nameserver'))
name = b'\\5probe\\3dns\\6podman\\0'
count = {}
while not os.path.exists('/joined') or sum(count.values()) < 150:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(3)
    client.connect((server, 53))
    number = random.randrange(65536)
    try:
        client.send(struct.pack('>HHHHHH', number, 0x100, 1, 0, 0, 0) + name + struct.pack('>HH', 1, 1))
        reply = struct.unpack('>HHHHHH', client.recv(512)[:12])
        said = 'answered' if reply[0] == number and reply[1] & 15 == 0 and reply[3] == 1 else 'wrong %s' % (reply,)
    except OSError as error:
        said = type(error).__name__
    count[said] = count.get(said, 0) + 1
    client.close()
    time.sleep(0.002)
print(*count, sum(count.values()))`;

  promise(
    '50 containers join one network in parallel: none is lost, and every single lookup meanwhile is answered',
    async () => {
      await bed.ctr('network', 'create', 'front');
      await bed.ctr('run', '-d', '--name', 'probe', '--network', 'front', ...tools, image, 'sleep', '600');
      const lookups = bed.ctr('exec', 'probe', '/usr/bin/python3', '-c', asker);
      const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
      const runs = names.map((name) =>
        bed.ctr('run', '-d', '--name', name, '--network', 'front', image, 'sleep', '600'),
      );
      for (const run of await Promise.all(runs)) expect(run).toMatchObject({ code: 0 });
      await bed.ctr('exec', 'probe', 'touch', '/joined');
      const { stdout } = await lookups;
      expect(stdout).toMatch(/^answered \d+\n$/);
      expect(Number(stdout.split(' ')[1])).toBeGreaterThanOrEqual(150);
      const all = names.map((name) => `/usr/bin/dig +short ${name}`).join('; ');
      const found = await bed.ctr('exec', 'probe', 'sh', '-c', all);
      expect(new Set(found.stdout.trim().split('\n')).size).toBe(50);
      // Those that were replaced meanwhile have ended.
      const servers = () => bed.processes().filter((pid) => commOf(pid).startsWith('aardvark-dns'));
      await until('one name server to be left', () => servers().length === 1);
      await bed.ctr('rm', '-f', '-a', '-t', '0');
      await until('all processes to be gone', () => bed.processes().length === 0);
    },
    240_000,
  );
});

describe('ctr run --network container:NAME [E]', () => {
  promise('finds the same names as that container does', async () => {
    await bed.ctr('network', 'create', '--subnet', '10.97.6.0/24', 'front');
    await serve('web', '--network', 'front');
    const { stdout } = await look(
      'container:web',
      'grep -c 10.97.6.2 /etc/hosts; cat /etc/resolv.conf; nc web 80 </dev/null',
    );
    expect(stdout).toBe('1\nsearch dns.podman\nnameserver 10.97.6.1\nhello web\n');
  });
});

describe('a macvlan network [E]', () => {
  promise('is on the bridge of another network, and has addresses of its own', async () => {
    await bed.ctr('network', 'create', '--interface-name', 'base0', 'under');
    const over = ['network', 'create', '-d', 'macvlan', '--subnet', '10.97.7.0/24', '--opt'];
    expect((await bed.ctr(...over, 'parent=eth0', 'over')).stderr).toContain('only root may put a macvlan on it');
    expect(await bed.ctr(...over, 'parent=base0', 'over')).toMatchObject({ code: 0 });
    await serve('db', '--network', 'over');
    expect((await look('over', 'nc -w 3 10.97.7.2 80 </dev/null')).stdout).toBe('hello db\n');
  });
});

describe('ctr network create -d ipvlan [E]', () => {
  promise('is refused before anything is made where the kernel or netavark has no ipvlan; else it works', async () => {
    await bed.ctr('network', 'create', '--interface-name', 'base0', 'under');
    const flags = ['-d', 'ipvlan', '--subnet', '10.97.8.0/24', '--opt', 'parent=base0'];
    const made = await bed.ctr('network', 'create', ...flags, 'over');
    if (made.code === 0) {
      await serve('db', '--network', 'over');
      expect((await look('over', 'nc -w 3 10.97.8.2 80 </dev/null')).stdout).toBe('hello db\n');
      return;
    }
    expect(made).toMatchObject({ code: 125, stdout: '' });
    expect(made.stderr).toMatch(
      /^ctr: (this kernel has no ipvlan|netavark 1\.[0-4]\.\d+ has no driver ipvlan)\n {2}hint: /,
    );
    expect((await bed.ctr('network', 'ls', '-q')).stdout).toBe('bridge\nunder\n');
  });
});

describe('flags of docker network and podman network [E]', () => {
  promise('act, or are refused with the reason before anything is made', async () => {
    const refusals: ReadonlyArray<readonly [string[], string]> = [
      [['create', '--ipam-driver', 'dhcp', 'a'], '--ipam-driver dhcp: addresses are given out by ctr itself'],
      [['create', '--config-only', 'a'], '--config-only is not supported: there is no swarm'],
      [['create', '--aux-address', 'x=10.0.0.9', 'a'], '--aux-address is not supported: --ip-range says'],
      [['connect', '--link', 'db:db', 'a', 'b'], '--link is not supported: there are no links: --alias'],
      [['inspect', '--verbose', 'bridge'], '--verbose is not supported: there is no swarm'],
    ];
    for (const [words, reason] of refusals) {
      const refused = await bed.ctr('network', ...words);
      expect({ words, ...refused }).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) });
    }
    expect((await bed.ctr('network', 'ls', '-q')).stdout).toBe('bridge\n');
    const made = await bed.ctr('network', 'create', '--attachable', '--ipam-driver', 'default', 'a');
    expect(made).toMatchObject({ code: 0, stdout: 'a\n' });
    await serve('web', '--network', 'a');
    expect((await bed.ctr('network', 'reload', '--latest')).stdout).toMatch(/^[\da-f]{64}\n$/);
  });
});

describe('docs/networks.md [E]', () => {
  promise('shows commands that work, in this order', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/networks.md'), 'utf8');
    const lines = [...text.matchAll(/^\$ (ctr .*)$/gm)].map(([, line = '']) => line);
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      const command = line.includes(' -d ') ? 'nc -ll -p 80 -e echo hi' : 'true';
      const typed = line.replace(/IMAGE$/, `IMAGE ${command}`).replace('IMAGE', image);
      expect({ line, ...(await bed.sh(typed)) }).toMatchObject({ line, code: 0 });
    }
  });
});

describe('after the last container [E]', () => {
  promise('nothing runs any more', async () => {
    await bed.ctr('network', 'create', 'front');
    expect((await look('front', 'true')).code).toBe(0);
    await until('all processes to be gone', () => bed.processes().length === 0);
    expect(bed.mounts()).toEqual([]);
  });
});
