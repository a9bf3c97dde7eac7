/** SIGKILL at whatever serves an overlay network, at any moment: the next command makes it again, and nothing stays. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { type Machine, openWire, type Wire } from '../support/machines.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
let wire: Wire;
let one: Machine;
let two: Machine;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  image = bed.image('busybox');
  wire = await openWire(bed, 2);
  [one, two] = wire.machines as [Machine, Machine];
  await bed.sh('umask 077; openssl rand -hex 32 >key');
  for (const { there, ctr } of [one, two]) {
    await bed.ctrWith({ env: there.env }, 'pull', '-q', image);
    const peers = [one, two].flatMap(({ address }) => ['--peer', address]);
    const create = await ctr('network', 'create', '-d', 'overlay', '--key-file', `${bed.home}/key`, ...peers, 'team');
    expect(create).toMatchObject({ code: 0 });
  }
});
afterEach(async () => {
  for (const { ctr } of [one, two]) await ctr('rm', '-f', '-a', '-t', '0');
});
afterAll(async () => {
  wire?.close();
  await bed?.close();
});

const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids', 'pasta', 'netavark', 'wireguard');

/** What serves on machine one. */
const serving = {
  holder: () => [holder()],
  'wireguard-go': () => childrenOf(holder()).filter((pid) => /^wireguard-go/.test(commOf(pid))),
  'the tunnel’s pasta': () => childrenOf(holder()).filter((pid) => linesOf(pid).includes('/overlay-')),
  listener: () => [tunnel().listener.pid],
} as const;
type Server = keyof typeof serving;
const servers = Object.keys(serving) as Server[];

const run = () => `${one.home}/run/ctr/holder`;
const holder = (): number => JSON.parse(readFileSync(`${run()}/holder.json`, 'utf8')).pid;
function tunnel(): { listener: { pid: number } } {
  const folder = readdirSync(run()).find((name) => name.startsWith('overlay-'));
  return JSON.parse(readFileSync(`${run()}/${folder}/tunnel.json`, 'utf8'));
}
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
const commOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'latin1');
const linesOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1');

/** Whether there was such a process. */
function shoot(name: Server): boolean {
  try {
    const pids = serving[name]();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    return pids.length > 0;
  } catch {
    return false; // It is being made just now.
  }
}

async function startPair(): Promise<void> {
  const server = ['nc', '-ll', '-p', '80', '-e', 'echo', 'here'];
  for (const { ctr } of [one, two]) {
    const name = ctr === one.ctr ? 'here' : 'there';
    expect(await ctr('run', '-d', '--name', name, '--network', 'team', image, ...server)).toMatchObject({ code: 0 });
  }
  await expectAllWorks();
}
/** Both reach each other by name. */
async function expectAllWorks(): Promise<void> {
  for (const [machine, from, to] of [
    [one, 'here', 'there'],
    [two, 'there', 'here'],
  ] as const) {
    const ask = () => machine.ctr('exec', from, 'sh', '-c', `nc -w 3 ${to} 80 </dev/null`);
    await until(`${from} to reach ${to}`, async () => (await ask()).stdout === 'here\n', 60_000);
  }
}

describe('what serves an overlay network is killed [E]', () => {
  for (const [index, name] of servers.entries()) {
    promise(`${name}: the next ${index % 2 ? 'run' : 'network command'} repairs it`, async () => {
      await startPair();
      expect(shoot(name)).toBe(true);
      const repair = index % 2 ? ['run', '--rm', '--network', 'team', image, 'true'] : ['network', 'reload', '--all'];
      expect(await one.ctr(...repair)).toMatchObject({ code: 0, stderr: '' });
      await expectAllWorks();
    });
  }

  promise(
    'any of them and ctr itself, at 15 moments of its work: containers go on, and nothing is left after the last',
    async () => {
      await startPair();
      for (let round = 0; round < 15; round++) {
        const running = bed.startWith(one.there, 'run', '--rm', '--network', 'team', image, 'true');
        await new Promise((resolve) => setTimeout(resolve, (round * 57) % 500));
        const victim = [...servers, 'ctr' as const][round % 5];
        if (victim === 'ctr') running.child.kill('SIGKILL');
        else if (victim !== undefined) shoot(victim);
        await running.ended;
      }
      expect(await one.ctr('network', 'reload', '--all')).toMatchObject({ code: 0 });
      await expectAllWorks();
      for (const { ctr } of [one, two]) await ctr('rm', '-f', '-a', '-t', '0');
      await until('all processes to be gone', () => bed.processes().length === 0, 60_000);
      expect(bed.mounts()).toEqual([]);
    },
    240_000,
  );
});
