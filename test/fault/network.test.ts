/** SIGKILL at whatever serves the bridge networks, at any moment: the next command makes it again, and nothing stays. */
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

const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids', 'pasta', 'netavark');
const serving = {
  holder: /^ctr-net$/,
  uplink: /^(slirp4netns|pas(ta|st))/,
  'aardvark-dns': /^aardvark-dns/,
  keeper: /^ctr-names$/,
} as const;
type Server = keyof typeof serving;
const servers = Object.keys(serving) as Server[];

function shoot(name: Server): boolean {
  const pid = bed.processes().findLast((one) => serving[name].test(commOf(one)));
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid !== undefined;
}

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
        const victim = [...servers, 'ctr' as const][round % 5];
        if (victim === 'ctr') running.child.kill('SIGKILL');
        else if (victim !== undefined) shoot(victim);
        await running.ended;
        if (round % 6 === 5) {
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
