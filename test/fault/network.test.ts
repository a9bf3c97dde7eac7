/** SIGKILL at whatever serves the bridge networks, at any moment: the next command makes it again, and nothing stays. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { mirrorHost } from '../support/mirror.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
let image: string;
beforeAll(async () => {
  bed = await openBed();
  image = bed.image('busybox');
  await bed.ctr('pull', '-q', image);
});
afterEach(async () => {
  await bed.ctr('rm', '-f', '-a', '-t', '0');
  await bed.ctr('network', 'prune', '-f');
});
afterAll(() => bed?.close());

const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids', 'pasta', 'netavark');
const commOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
};
const serving = { holder: /^ctr-net$/, uplink: /^(slirp4netns|pas(ta|st))/, 'aardvark-dns': /^aardvark-dns/ } as const;
type Server = keyof typeof serving;
const servers = Object.keys(serving) as Server[];

function shoot(name: Server): boolean {
  const pid = bed.processes().find((one) => serving[name].test(commOf(one)));
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid !== undefined;
}

const tools = ['-v', '/usr:/usr:ro', '-v', '/lib64:/lib64:ro', '-v', '/lib:/lib:ro'];
const digHost = `/usr/bin/dig +short +tries=3 +time=2 ${mirrorHost()}`;

/** `peer` answers `look` by name, and the names of the host's world resolve. */
async function expectAllWorks(): Promise<void> {
  const outcome = await bed.ctr('exec', 'look', 'sh', '-c', `nc -w 3 peer 80 </dev/null; ${digHost}`);
  expect(outcome.stdout).toMatch(/^here\n\d+\.\d+/);
}

async function startPair(): Promise<void> {
  await bed.ctr('network', 'create', 'front');
  const server = ['nc', '-ll', '-p', '80', '-e', 'echo', 'here'];
  expect(await bed.ctr('run', '-d', '--name', 'peer', '--network', 'front', image, ...server)).toMatchObject({
    code: 0,
  });
  const sleeper = await bed.ctr('run', '-d', '--name', 'look', '--network', 'front', ...tools, image, 'sleep', '600');
  expect(sleeper).toMatchObject({ code: 0 });
}

describe('what serves the networks is killed [E]', () => {
  for (const name of servers) {
    promise(`${name}: the next network command repairs it for the containers that run`, async () => {
      await startPair();
      await expectAllWorks();
      expect(shoot(name)).toBe(true);
      expect(await bed.ctr('network', 'reload', '--all')).toMatchObject({ code: 0, stderr: '' });
      await expectAllWorks();
    });

    promise(`${name}: the next run repairs it, too`, async () => {
      await startPair();
      expect(shoot(name)).toBe(true);
      const run = await bed.ctr('run', '--rm', '--network', 'front', image, 'nc', '-w', '3', 'peer', '80');
      expect(run).toMatchObject({ code: 0, stdout: 'here\n' });
      await expectAllWorks();
    });
  }

  promise(
    'any of them and ctr itself, at 30 moments of its work: containers go on, and nothing is left after the last',
    async () => {
      await startPair();
      for (let round = 0; round < 30; round++) {
        const running = bed.start('run', '--rm', '--network', 'front', image, 'true');
        await new Promise((resolve) => setTimeout(resolve, (round * 37) % 300));
        const victim = [...servers, 'ctr' as const][round % 4];
        if (victim === 'ctr') running.child.kill('SIGKILL');
        else if (victim !== undefined) shoot(victim);
        await running.ended;
        if (round % 5 === 4) {
          const reloaded = await bed.ctr('network', 'reload', '--all');
          expect(reloaded).toMatchObject({ code: 0 });
          await expectAllWorks();
        }
      }
      await bed.ctr('rm', '-f', '-a', '-t', '0');
      await until('all processes to be gone', () => bed.processes().length === 0);
      expect(bed.mounts()).toEqual([]);
    },
    240_000,
  );
});
